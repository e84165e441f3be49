"""Messages come out as they went in, and nothing but messages comes out."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradcompare.checking.wire import WireError, receive, send

numbers = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]), arrays.array_shapes(min_dims=0, min_side=0)
)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text() | numbers
messages = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def carried(message):
    stream = io.BytesIO()
    send(stream.write, message)
    stream.seek(0)
    return receive(stream.read)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or (a != a and b != b))


@given(messages)
def test_a_message_comes_out_as_it_went_in(message):
    assert same(message, carried(message))


@given(st.binary(max_size=200))
def test_noise_is_refused_in_words(noise):
    with pytest.raises((WireError, EOFError)):
        receive(io.BytesIO(noise).read)


@given(messages, st.data())
def test_a_message_cut_short_is_refused(message, data):
    stream = io.BytesIO()
    send(stream.write, message)
    whole = stream.getvalue()
    part = whole[: data.draw(st.integers(1, len(whole) - 1))]
    with pytest.raises(WireError):
        receive(io.BytesIO(part).read)


@given(numbers, st.data())
def test_a_message_with_a_byte_changed_is_a_message_or_refused(array, data):
    stream = io.BytesIO()
    send(stream.write, {"claims": {"dW1": array}, "notes": ["x", 1.5]})
    whole = bytearray(stream.getvalue())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(WireError, EOFError):
        receive(io.BytesIO(bytes(whole)).read)


def test_what_is_no_number_stays_out():
    claim = carried(np.array([None, "x"], dtype=object))
    assert claim.dtype == object
    assert claim.shape == (2,)
    with pytest.raises(TypeError, match="cannot hold a function"):
        carried({"f": carried})
