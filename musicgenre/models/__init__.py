"""The models of the five papers, a file a paper: functions that return untrained Keras models; ``baselines`` has scikit-learn's.

Each takes the shape of one item and the number of genres, and returns a model that gives one probability a genre.
They use the Keras 3 API alone and run on TensorFlow, JAX and PyTorch.
"""

import logging
import os

# TensorFlow writes notes to the standard error stream when it is imported, whatever its log level; they would stand in every chapter.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # else the first process takes all of the memory of a GPU
_stderr = os.dup(2)
with open(os.devnull, "w") as _nowhere:
    os.dup2(_nowhere.fileno(), 2)
try:
    import keras  # noqa: F401
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # from the fifth model on it warns of "retracing": each model is traced once
