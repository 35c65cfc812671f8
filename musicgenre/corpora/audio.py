"""Read a clip from a sound file: decode, mix down to mono, resample."""

from pathlib import Path

import numpy as np
import soundfile

from musicgenre.errors import AccessError, DataError

SAMPLE_RATE_HZ = 22050  # GTZAN's own, and librosa's default
LOUDEST = 1e6  # full scale is 1; far beyond it no feature can be computed

#: The file name extensions of each format that libsndfile reads and that music comes in.
EXTENSIONS = {
    "WAV": {".wav", ".wave"},
    "WAVEX": {".wav", ".wave"},
    "RF64": {".wav", ".rf64"},
    "W64": {".w64"},
    "AIFF": {".aif", ".aiff", ".aifc"},
    "AU": {".au", ".snd"},
    "CAF": {".caf"},
    "FLAC": {".flac"},
    "OGG": {".ogg", ".oga", ".opus"},
    "MP3": {".mp3"},
}


def open_sound(path: str | Path) -> soundfile.SoundFile:
    """Open a sound file for reading.

    Raises
    ------
    AccessError
        If the system does not let it be read.
    DataError
        If the file is missing, empty or no readable sound file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise AccessError(f"{path}: cannot be read ({error.strerror}); mend that and try again") from None
    if is_empty:
        raise DataError(f"{path}: the file is empty (0 bytes); fetch it again")
    try:
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: soundfile takes .raw for headerless samples
        reason = getattr(error, "error_string", "").rstrip(".")
        if not reason or "not exist" in reason:  # libsndfile's last guess at a file that it does not know, is MP3
            reason = "Format not recognised"
        raise DataError(f"{path}: not a readable sound file ({reason}); fetch it again") from None


def read(path: str | Path, *, sample_rate_hz: int | None = SAMPLE_RATE_HZ) -> np.ndarray:
    """Read a clip as mono samples, exactly as ``librosa.load`` does.

    Parameters
    ----------
    path : str or Path
        A sound file in any format that libsndfile reads (WAV, AU, FLAC, OGG, MP3, …).
    sample_rate_hz : int or None
        The clip is resampled to this rate in Hz (soxr, high quality) where its own differs; None keeps its own.

    Returns
    -------
    numpy.ndarray
        Samples between -1 and 1, float32, shape (n_samples,).

    Raises
    ------
    DataError
        If the file is missing, empty, no readable sound file, damaged, or holds no samples or NaN.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    with open_sound(path) as sound:
        rate = sound.samplerate
        try:
            # Samples of 16 bits are read as they are and then scaled: the same numbers, in a fraction of the time.
            dtype, scale = ("int16", 2**-15) if sound.subtype == "PCM_16" else ("float32", 1)
            samples = sound.read(dtype=dtype) * np.float32(scale)
        except soundfile.LibsndfileError as error:
            raise DataError(f"{path}: the file is damaged ({error.error_string.rstrip('.')}); fetch it again") from None
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    if samples.size == 0:
        raise DataError(f"{path}: the file holds no samples; fetch it again")
    if not np.isfinite(samples).all():
        raise DataError(f"{path}: the file holds samples that are not finite numbers; fetch it again")
    if sample_rate_hz not in (None, rate):
        import librosa  # heavy, and rarely needed: GTZAN is at 22,050 Hz already

        samples = librosa.resample(samples, orig_sr=rate, target_sr=sample_rate_hz)
    return samples
