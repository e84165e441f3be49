"""A policy that takes one observation at a time, and learns from an episode of them: wrong, a mask is another."""

import numpy as np

units, pixels = 16, 36
model = {"W1": np.random.randn(units, pixels) / np.sqrt(pixels), "W2": np.random.randn(units) / np.sqrt(units)}


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def policy_forward(x):
    h = np.dot(model["W1"], x)
    h[h < 0] = 0  # ReLU
    p = sigmoid(np.dot(model["W2"], h))
    return p, h  # the probability of going up, and the hidden units


def policy_backward(hs, dlogps, xs):
    dW2 = np.dot(hs.T, dlogps).ravel()
    dh = np.outer(dlogps, model["W2"])
    dh[dh <= 0] = 0
    dW1 = np.dot(dh.T, xs)
    return {"W1": dW1, "W2": dW2}


def discounted(rewards, gamma=0.99):
    found, running = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        running = running * gamma + rewards[t]
        found[t] = running
    return found


def learn(env, episodes=1000, learning_rate=1e-3):
    for _ in range(episodes):
        xs, hs, dlogps, rewards, x, done = [], [], [], [], env.reset(), False
        while not done:
            p, h = policy_forward(x)
            action = int(np.random.uniform() < p)
            xs.append(x)
            hs.append(h)
            dlogps.append(action - p)
            x, reward, done = env.step(action)
            rewards.append(reward)
        advantages = discounted(rewards)
        grads = policy_backward(np.vstack(hs), np.vstack(dlogps) * advantages[:, None], np.vstack(xs))
        for key in model:
            model[key] += learning_rate * grads[key]
