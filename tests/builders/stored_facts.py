"""What stored predictions say of themselves, as a small run leaves it."""

from __future__ import annotations

#: The attributes that facts and captions are made of; bins, tracks and weights are each test's own.
STORED_FACTS = {
    "geometry": {"window": 16_384, "n_bins": 96},
    "weights_sha256": "0" * 64,
    "model": "Enformer, preset tiny",
    "engine": "exact",
    "precision": "float32",
    "position_features": "gamma computed",
    "transform": "mean of coverage over the bins",
    "code_version": "0.1.0",
}
