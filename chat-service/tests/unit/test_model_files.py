"""The file of models: what it offers, and what stops a start."""

from pathlib import Path

import pytest

from chat_service.main import create_app
from chat_service.model_files import WrongModelsFile, read_models
from chat_service.models import Catalogue
from chat_service.problems import ImagesNotSupported, ModelNotFound, ModelUnsuitable
from chat_service.settings import Settings

GOOD = """
[modes.deepthinks]
model = "a/chat"
[models."a/chat"]
"""


async def nobody() -> list[dict[str, object]]:
    return []


def complaint(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(WrongModelsFile) as caught:
        read_models(path)
    return str(caught.value)


def test_the_packaged_file_has_the_modes_and_their_models() -> None:
    offer = read_models(None)

    assert list(offer.modes) == ["deepthinks", "deepthinks-reason", "deepthinks-code"]
    assert [mode.format for mode in offer.modes.values()] == ["text", "text", "code"]
    assert all(offer.models[mode.vision_model or ""].vision for mode in offer.modes.values())
    assert all(model.price and model.context_window for model in offer.models.values())
    assert offer.allowed == ()


def test_a_file_needs_no_more_than_the_default_mode_and_its_model(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text(GOOD)

    offer = read_models(path)

    assert offer.modes["deepthinks"].model == "a/chat"
    assert offer.models["a/chat"].price is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[modes.deepthinks]\nmodel = "a/b"\n[models]', 'modes.deepthinks.model: there is no [models."a/b"]'),
        ('[modes.other]\nmodel = "a/chat"\n[models."a/chat"]', "modes: there has to be one called deepthinks"),
        (GOOD + 'type = "embedding"', "modes.deepthinks.model: a/chat is not of type chat"),
        (GOOD + "vison = true", "models.a/chat.vison: Extra inputs are not permitted"),
        (GOOD + 'thinking = "aloud"', "models.a/chat.thinking: Input should be 'field', 'tagged' or 'implicit'"),
        (GOOD + "context_window = 0", "models.a/chat.context_window: Input should be greater than or equal to 1"),
        (GOOD + "price = { input = -1, output = 1 }", "models.a/chat.price.input: Input should be greater than"),
        (GOOD + "price = { input = 1 }", "models.a/chat.price.output: Field required"),
        (GOOD + "price = { input = nan, output = 1 }", "models.a/chat.price.input: Input should be"),
        ("allowed = []" + GOOD, "allowed: Extra inputs are not permitted"),
        ('allow = "*"' + GOOD, "allow: Input should be a valid tuple"),
        ('modes = "all"', "modes: Input should be a valid dictionary"),
        (
            GOOD.replace("[models", 'vision_model = "a/chat"\n[models'),
            "modes.deepthinks.vision_model: a/chat has no `vision = true`",
        ),
        (GOOD.replace("[models", "temperature = 3\n[models"), "modes.deepthinks.temperature: Input should be less"),
        (GOOD + '[modes."A B"]\nmodel = "a/chat"', "modes.A B: String should match pattern"),
        ('allow = ["deepthinks"]' + GOOD, "modes.deepthinks: a model has that name, too"),
        ("[modes", "it is not TOML: Expected ']' at the end of a table declaration (at end of document)"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "models.toml"

    assert complaint(path, text).startswith(f"chat does not start; {path} is wrong:\n  {says}")


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    text = '[modes.one]\nmodel = "a/b"\n[modes.two]\nmodel = "c/d"\n[models]'

    assert len(complaint(tmp_path / "models.toml", text).splitlines()) == 4


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongModelsFile, match=r"models\.toml is wrong:\n  it cannot be read: No such file"):
        read_models(tmp_path / "models.toml")


def test_a_wrong_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="chat does not start"):
        create_app(Settings(models_file=tmp_path / "missing.toml", service_data=tmp_path))


def test_a_catalogue_chooses_by_name_and_by_what_is_asked() -> None:
    catalogue = Catalogue(read_models(None), nobody)

    blind, seeing = catalogue.choose("deepthinks-code"), catalogue.choose("deepthinks-code", images=True)

    assert blind.mode is seeing.mode is catalogue.mode("deepthinks-code")
    assert (blind.model.vision, seeing.model.vision) == (False, True)
    assert catalogue.choose(blind.model.id).mode is None
    with pytest.raises(ImagesNotSupported):
        catalogue.choose(blind.model.id, images=True)
    with pytest.raises(ModelNotFound):
        catalogue.choose("gpt-5")
    with pytest.raises(ModelUnsuitable):
        catalogue.choose("BAAI/bge-base-en-v1.5")


def test_what_is_known_of_a_model_is_told_even_when_it_is_not_offered() -> None:
    catalogue = Catalogue(read_models(None), nobody)

    assert catalogue.model("Qwen/Qwen2.5-VL-72B-Instruct").context_window == 32_768
    assert catalogue.model("gone/model").price is None


def test_an_answer_is_as_long_as_server_and_model_allow() -> None:
    model = read_models(None).models["Qwen/Qwen2.5-VL-72B-Instruct"].model_copy(update={"max_output_tokens": 100})

    assert [model.output_tokens(asked, 200) for asked in (None, 50, 150)] == [100, 50, 100]
    assert model.output_tokens(None, 80) == 80
