"""Models and number formats that the verbs take unless told otherwise."""

from typing import Literal

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
ENCODER, DECODER = "bundled:minilm", "bundled:smollm2-135m-instruct"
