"""Layers over the axes of images and series: convolution, pooling, resampling, augmentation."""
