"""The code that imports one backend or uses private names of Keras; no other room does either."""
