"""How pages write figures, money and instants: as everything else that people read (`platform/formats.py`)."""

from regulars.platform.formats import Formats, formats_of, major_units

__all__ = ["Formats", "formats_of", "major_units"]
