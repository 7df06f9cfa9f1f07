"""One run: backbone, trainer, evaluation."""
