"""What depends on one backend or on the inside of Keras; every other room is free of both."""
