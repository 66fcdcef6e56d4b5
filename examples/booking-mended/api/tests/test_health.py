from app.main import healthz


def test_the_process_answers():
    assert healthz() == {"status": "ok"}
