// Where the server is and who asks; tests/clients/test_other_clients.py sets the variables.
export const baseURL = process.env.DEEPTHINKS_URL;
export const apiKey = process.env.DEEPTHINKS_KEY;
export const picture = process.env.DEEPTHINKS_PICTURE;

// Whenever the last user message contains `question`, the model stand-in does what `fault` says.
export async function misbehave(question, fault, times = null) {
  await control("faults", [{ match: { question_contains: question }, times, fault }]);
}

export async function openStreams() {
  return (await (await fetch(`${process.env.OFFLINE_URL}/_offline/requests?limit=0`)).json()).open_streams;
}

export async function eventually(what) {
  const deadline = Date.now() + 20_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function control(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${process.env.OFFLINE_URL}/_offline/${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
}
