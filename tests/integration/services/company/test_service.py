"""The service as a process: it starts, says that it is well, and describes itself."""


async def test_it_is_alive_and_ready(client):
    for path in ("/healthz", "/readyz", "/metrics", "/api/openapi/company.json"):
        async with client.get(path) as answer:
            assert answer.status == 200, path
