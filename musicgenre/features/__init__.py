"""Features of clips: log-mel spectrograms, MFCCs, the 57-number vector and viridis pictures, and the store that keeps them."""

from musicgenre.features.images import MelImage
from musicgenre.features.spectral import Feature, LogMel, Mfcc
from musicgenre.features.vector57 import Vector57

__all__ = ["Feature", "LogMel", "MelImage", "Mfcc", "Vector57"]
