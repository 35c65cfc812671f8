"""The models of the five papers, a file a paper: functions that return Keras models without weights.

Each takes the shape of one item and the number of genres, and returns a model that gives one probability a genre.
They use the Keras 3 API alone and run on TensorFlow, JAX and PyTorch.
"""
