"""Fashion-MNIST's images and labels, and where things are on disk."""

__all__ = [
    "CLASS_NAMES",
    "Dataset",
    "ImageSet",
    "Splits",
    "as_published",
    "check_images",
    "load",
    "load_files",
    "refuse_stand_in",
    "stand_in",
]


def __getattr__(name: str) -> object:
    # Only when they are asked for: `doctor` reads `files` and `places` where NumPy is missing.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fmnist_utils.data import sets

    return getattr(sets, name)
