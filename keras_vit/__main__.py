from keras_vit.commands import main

if __name__ == "__main__":
    main()
