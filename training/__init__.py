"""Convolutional networks, trained on MNIST: `python training/train.py --help`, with TensorFlow, or `train_numpy.py`.

Nothing here imports TensorFlow until a training starts, so `import training` and `--help` are quick.
"""
