"""Asks a server with the clients that people have. Requests and answers: a JSON object a line."""

import json
import os
import sys
import warnings

os.environ.setdefault("JINA_HIDE_SURVEY", "1")
warnings.simplefilter("ignore")


def openai_client(url, key):
    import openai

    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def openai_embeddings(url, key, model, texts):
    answer = openai_client(url, key).embeddings.create(model=model, input=texts)
    return {"rows": [each.embedding for each in answer.data], "tokens": answer.usage.prompt_tokens}


def chat_messages(picture):
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture}}]}]


def openai_chat(url, key, model, picture):
    return (
        openai_client(url, key)
        .chat.completions.create(model=model, messages=chat_messages(picture))
        .choices[0]
        .message.content
    )


def openai_chat_stream(url, key, model, picture):
    chunks = openai_client(url, key).chat.completions.create(model=model, messages=chat_messages(picture), stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def openai_models(url, key):
    client = openai_client(url, key)
    return [client.models.retrieve(each.id).id for each in client.models.list()]


def hugging_face_client(endpoint, key):
    from huggingface_hub import InferenceClient

    return InferenceClient(model=endpoint, token=key)


def hugging_face_image_to_text(endpoint, key, file):
    return hugging_face_client(endpoint, key).image_to_text(file).generated_text


def hugging_face_bytes_to_text(endpoint, key, file):
    with open(file, "rb") as opened:
        return hugging_face_client(endpoint, key).image_to_text(opened.read()).generated_text


def hugging_face_classify(endpoint, key, file, labels, template):
    ranked = hugging_face_client(endpoint, key).zero_shot_image_classification(file, labels, hypothesis_template=template)
    return [{"label": each.label, "score": each.score} for each in ranked]


def webui(url, key):
    import webuiapi

    client = webuiapi.WebUIApi(baseurl=f"{url}/sdapi/v1")
    if key:
        client.set_auth("anyone", key)
    return client


def webui_interrogate(url, key, file, model):
    from PIL import Image

    return webui(url, key).interrogate(Image.open(file), model=model).info


def webui_interrogate_text(url, key, text):
    return webui(url, key).interrogate(text).info


def clip_client(url, key):
    from clip_client import Client

    return Client(url, credential={"Authorization": f"Bearer {key}"} if key else {})


def clip_client_encode(url, key, contents):
    return clip_client(url, key).encode(contents).tolist()


def clip_client_rank(url, key, file, texts):
    from docarray import Document

    (ranked,) = clip_client(url, key).rank([Document(uri=file, matches=[Document(text=text) for text in texts])])
    return [
        {
            "text": match.text,
            "probability": match.scores["clip_score"].value,
            "cosine": match.scores["clip_score_cosine"].value,
        }
        for match in ranked.matches
    ]


CALLS = {
    each.__name__: each
    for each in (
        openai_embeddings,
        openai_chat,
        openai_chat_stream,
        openai_models,
        hugging_face_image_to_text,
        hugging_face_bytes_to_text,
        hugging_face_classify,
        webui_interrogate,
        webui_interrogate_text,
        clip_client_encode,
        clip_client_rank,
    )
}

if __name__ == "__main__":
    # What the clients print must not come between the answers.
    answers, sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8"), sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": CALLS[request["call"]](*request["arguments"])}
        except Exception as error:
            answer = {"error": {"name": type(error).__name__, "message": str(error)}}
        print(json.dumps(answer), file=answers, flush=True)
