"""Multi-head attention and the transformer's feed-forward layer. Tensors are ``[batch, token, feature]``.

Vaswani et al., "Attention Is All You Need", NeurIPS 2017. torch's own module is not used: its fast path in
evaluation mode cannot be read from a traced network.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """``softmax(q k^T / sqrt(d)) v`` per head, between linear maps: tokens look at others, or themselves."""

    def __init__(self, features: int, heads: int) -> None:
        """Raises ValueError when the features cannot be shared out among the heads."""
        super().__init__()
        if features % heads:
            raise ValueError(f"{features} features cannot be shared out among {heads} heads")
        self.heads = heads
        self.query = nn.Linear(features, features)
        self.key = nn.Linear(features, features)
        self.value = nn.Linear(features, features)
        self.out = nn.Linear(features, features)

    def forward(self, tokens: Tensor, source: Tensor) -> Tensor:
        """Tokens ``[b, n, f]`` look at ``source [b, m, f]``; ``[b, n, f]``."""
        attended = functional.scaled_dot_product_attention(
            self._split(self.query(tokens)), self._split(self.key(source)), self._split(self.value(source))
        )
        joined: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return joined

    def _split(self, tokens: Tensor) -> Tensor:
        """``[b, n, f]`` to ``[b, head, n, f / heads]``."""
        return torch.unflatten(tokens, 2, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Sequential):
    """Two linear layers, GELU between."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, features))
