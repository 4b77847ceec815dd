"""The demo that everybody writes: a pipeline behind gr.Interface. `python gradio_demo.py FOLDER PORT NEW_TOKENS`."""

import sys

import gradio as gr
from transformers import pipeline


def serve(folder: str, port: int, new_tokens: int) -> None:
    pipe = pipeline("text-generation", model=folder)
    full_length = {
        "max_new_tokens": new_tokens,
        "min_new_tokens": new_tokens,
        "do_sample": False,
    }  # as every engine writes

    def predict(text: str) -> str:
        return pipe(text, **full_length)[0]["generated_text"]

    gr.Interface(predict, "text", "text").launch(server_name="127.0.0.1", server_port=port, quiet=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
