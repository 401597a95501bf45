"""Files that appear whole or not at all: single files, JSON, and checksummed arrays."""

from keras_vit.files.atomic import read_json, remove, whole_file, write_json

__all__ = ["read_json", "remove", "whole_file", "write_json"]
