"""`python -m keras_vit` is the command `keras-vit`."""

from keras_vit.commands import main

if __name__ == "__main__":
    main()
