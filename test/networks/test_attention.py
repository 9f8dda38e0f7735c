"""Attention against loops over heads, tokens and what they look at."""

import math

import numpy as np
import pytest
import torch

from hnseg_infer.networks.attention import Attention, FeedForward


def linear(layer, tokens: np.ndarray) -> np.ndarray:
    return tokens @ layer.weight.detach().numpy().astype(float).T + layer.bias.detach().numpy()


def slow_attention(module: Attention, tokens: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Of one image, ``[n, f]`` and ``[m, f]``."""
    query, key, value = (
        linear(layer, given)
        for layer, given in ((module.query, tokens), (module.key, source), (module.value, source))
    )
    joined = np.zeros_like(query)
    width = query.shape[1] // module.heads
    for head in range(module.heads):
        part = slice(head * width, (head + 1) * width)
        for token in range(len(tokens)):
            scores = [math.exp(query[token, part] @ other / math.sqrt(width)) for other in key[:, part]]
            for score, other in zip(scores, value[:, part], strict=True):
                joined[token, part] += score / sum(scores) * other
    return linear(module.out, joined)


def test_attention_is_its_formula():
    torch.manual_seed(0)
    module = Attention(6, 3)
    tokens, source = torch.randn(2, 4, 6), torch.randn(2, 5, 6)
    found = module(tokens, source).detach().numpy()
    for index in range(2):
        expected = slow_attention(module, tokens[index].numpy(), source[index].numpy())
        np.testing.assert_allclose(found[index], expected, atol=1e-5)


def test_order_of_what_is_looked_at_does_not_matter():
    torch.manual_seed(0)
    module = Attention(8, 2)
    tokens, source = torch.randn(1, 3, 8), torch.randn(1, 7, 8)
    torch.testing.assert_close(module(tokens, source), module(tokens, source.flip(1)))


def test_heads_have_to_divide_the_features():
    with pytest.raises(ValueError, match="3 heads"):
        Attention(8, 3)


def test_feed_forward_is_gelu_between_two_maps():
    torch.manual_seed(0)
    module = FeedForward(3, 5)
    tokens = torch.randn(4, 3)
    hidden = linear(module[0], tokens.numpy())
    gelu = np.vectorize(lambda value: value * (1 + math.erf(value / math.sqrt(2))) / 2)(hidden)
    np.testing.assert_allclose(module(tokens).detach().numpy(), linear(module[2], gelu), atol=1e-6)
