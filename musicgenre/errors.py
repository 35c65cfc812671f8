"""The errors of the package: each names the file or value at fault and says what to do."""


class MusicGenreError(Exception):
    """Any error that a user can mend; the command line prints its message without a traceback."""


class SettingsError(MusicGenreError):
    """A setting, argument or environment variable has a value that cannot be used."""


class DataError(MusicGenreError):
    """A file of a corpus, an archive or a table is missing, damaged or of the wrong kind."""


class AccessError(DataError):
    """The system does not let a file be read; it may do so later."""


class DivergenceError(MusicGenreError):
    """A training came to no finite loss or no finite probabilities; there is nothing to record."""


class LeakError(MusicGenreError):
    """A split shares tracks or artists between its parts although its protocol forbids it."""
