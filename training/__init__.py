"""A convolutional network, trained on MNIST with TensorFlow: `python training/train.py --help`.

Nothing here imports TensorFlow until a training starts, so `import training` and `--help` are quick.
"""
