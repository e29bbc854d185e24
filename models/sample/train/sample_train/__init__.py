"""The recipe of the sample model: a small CLIP and a small BLIP that know emoji art."""
