"""The machine images: their names, for the platform. Building them is `python -m sandbox.images.build`.

Standard library only: this is imported where nothing else is installed yet, and by every process of the platform.
"""

from sandbox.images.names import image_ref, seed_marker_ref, seed_volume
from sandbox.images.standins import seed_images

__all__ = ["image_ref", "seed_images", "seed_marker_ref", "seed_volume"]
