"""What pages are put together from: words, shapes of frames, the header, the review of a fix, forms."""
