"""From a manifest to batches: sampling, decoding, augmentation."""
