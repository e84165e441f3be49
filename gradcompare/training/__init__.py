"""Training as pictures: the network by hand against the network in PyTorch, step by step, and activations against
one another. `gradcompare train` is the way in; nothing here is loaded before it is used."""
