// The official SDK for node.
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError, toFile } from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { apiKey, baseURL, eventually, misbehave, openStreams, picture } from "./setting.mjs";

const client = new OpenAI({ baseURL, apiKey });
const model = "deepthinks";
const lighthouse = [
  { role: "user", content: "The password of the lighthouse is Fresnel." },
  { role: "assistant", content: "Noted." },
  { role: "user", content: "What is the password of the lighthouse?" },
];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const weather = { name: "get_weather", description: "The weather in a city.", parameters, strict: true };

async function all(stream) {
  const seen = [];
  for await (const each of stream) seen.push(each);
  return seen;
}
const text = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
// `output_text` is the SDK's own, and there only after `create`
const written = (response) => response.output.flatMap((item) => item.content ?? []).map((part) => part.text).join("");
const words = (events) => events.filter((e) => e.type === "response.output_text.delta").map((e) => e.delta).join("");

test("models are listed and found", async () => {
  const names = (await all(client.models.list())).map((each) => each.id);

  assert.ok(names.includes(model));
  for (const name of names) assert.equal((await client.models.retrieve(name)).id, name);
});

test("a completion comes whole and streamed with its usage", async () => {
  const whole = await client.chat.completions.create({ model, messages: lighthouse });
  const asked = { model, messages: lighthouse, stream: true, stream_options: { include_usage: true } };
  const chunks = await all(await client.chat.completions.create(asked));

  assert.match(whole.choices[0].message.content, /Fresnel/);
  assert.equal(text(chunks), whole.choices[0].message.content);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.deepEqual(chunks.at(-1).usage, whole.usage);
  assert.equal(chunks.at(-2).choices[0].finish_reason, "stop");
});

test("the stream helper puts a completion together", async () => {
  const runner = client.chat.completions.stream({ model, messages: lighthouse });
  let heard = "";
  runner.on("content", (delta) => (heard += delta));

  assert.equal(await runner.finalContent(), heard);
  assert.match(heard, /Fresnel/);
});

test("a function is run by the tool runner and its result answered from", async () => {
  let asked;
  const get_weather = (given) => ((asked = given), "The weather in Lisbon: 31 degrees, sunny.");
  const runner = client.chat.completions.runTools({
    model,
    messages: [{ role: "user", content: "What is the weather in Lisbon?" }],
    tools: [{ type: "function", function: { ...weather, function: get_weather, parse: JSON.parse } }],
    stream: true,
  });

  assert.match(await runner.finalContent(), /31 degrees/);
  assert.equal(typeof asked.city, "string");
});

test("a completion is parsed by a schema", async () => {
  const messages = [{ role: "user", content: "The keeper is called Ingrid and lives on the island of Runde." }];
  const Keeper = z.object({ name: z.string(), island: z.string() });
  const answer = await client.chat.completions.parse({ model, messages, response_format: zodResponseFormat(Keeper, "keeper") });

  assert.deepEqual(Object.keys(answer.choices[0].message.parsed), ["name", "island"]);
});

test("an image in a completion is seen", async () => {
  const content = [{ type: "text", text: "What colour is this image?" }, { type: "image_url", image_url: { url: picture } }];
  const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });

  assert.match(answer.choices[0].message.content, /mostly red/);
});

test("aborting a completion stops the model", async () => {
  await misbehave("Count the gulls", { content: "gull ".repeat(500), tokens_per_second: 100 });
  const messages = [{ role: "user", content: "Count the gulls." }];
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0].delta.content) break;

  await eventually(async () => (await openStreams()) === 0);
});

test("refusals are typed", async () => {
  const messages = [{ role: "user", content: "Good morning." }];
  const complete = (options, sdk = client) => sdk.chat.completions.create({ model, messages, ...options });
  await misbehave("Enough of that", { status: 429, retry_after: 7 });
  const busy = { messages: [{ role: "user", content: "Enough of that." }] };

  await assert.rejects(complete({ model: "no-such/model" }), (e) => e instanceof NotFoundError && e.code === "model_not_found");
  await assert.rejects(complete({ n: 2 }), (e) => e instanceof BadRequestError && e.param === "n");
  await assert.rejects(complete({ temperature: "hot" }), (e) => e.status === 422 && /temperature/.test(e.message));
  await assert.rejects(complete({}, client.withOptions({ apiKey: "sk-of-nobody" })), AuthenticationError);
  await assert.rejects(complete(busy, client.withOptions({ maxRetries: 0 })), (e) => {
    return e instanceof RateLimitError && e.code === "model_rate_limited" && e.headers.get("retry-after") === "7";
  });
});

test("a completion that fails in the middle raises after its words", async () => {
  await misbehave("Tell me about the fog", { cut_after_chunks: 4 });
  const messages = [{ role: "user", content: "Tell me about the fog." }];
  const seen = [];
  const reading = (async () => {
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) seen.push(chunk);
  })();

  await assert.rejects(reading, (e) => e instanceof APIError && e.code === "model_answer_garbled");
  assert.notEqual(text(seen), "");
});

test("a response is created, read again and deleted", async () => {
  const response = await client.responses.create({ model, input: "My dog is called Rex." });
  const stored = await client.responses.retrieve(response.id);
  const items = await all(client.responses.inputItems.list(response.id));
  await client.responses.delete(response.id);

  assert.match(response.output_text, /Rex/);
  assert.equal(written(stored), response.output_text);
  assert.equal(items[0].content[0].text, "My dog is called Rex.");
  await assert.rejects(client.responses.retrieve(response.id), NotFoundError);
});

test("the stream helper puts a response together", async () => {
  const stream = client.responses.stream({ model, input: "My cat is called Turing." });
  const events = await all(stream);
  const response = await stream.finalResponse();

  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
  assert.equal(words(events), response.output_text);
  assert.match(response.output_text, /Turing/);
});

test("a dropped stream is resumed", async () => {
  const seen = [];
  for await (const event of await client.responses.create({ model, input: "I left the oven on.", stream: true })) {
    if (seen.push(event) === 5) break;
  }
  const after = { stream: true, starting_after: seen.at(-1).sequence_number };
  const rest = await all(await client.responses.retrieve(seen[0].response.id, after));

  assert.equal(words([...seen, ...rest]), written(rest.at(-1).response));
  assert.equal(rest[0].sequence_number, 5);
});

test("cancel keeps the text", async () => {
  await misbehave("Count the ferries", { content: "ferry ".repeat(500), tokens_per_second: 100 });
  const events = [];
  let stopped;
  for await (const event of await client.responses.create({ model, input: "Count the ferries.", stream: true })) {
    events.push(event);
    if (words(events) && !stopped) stopped = await client.responses.cancel(events[0].response.id);
  }

  await eventually(async () => (await openStreams()) === 0);
  assert.deepEqual([stopped.status, events.at(-1).type], ["cancelled", "response.incomplete"]);
  assert.equal(written(stopped), words(events));
});

test("a response calls a function and answers from its result", async () => {
  const tools = [{ type: "function", ...weather }];
  const asked = await client.responses.create({ model, input: "What is the weather in Lisbon?", tools });
  const call = asked.output.find((item) => item.type === "function_call");
  const result = { type: "function_call_output", call_id: call.call_id, output: "Lisbon: 31 degrees, sunny." };
  const answer = await client.responses.create({ model, input: [result], previous_response_id: asked.id, tools });

  assert.equal(typeof JSON.parse(call.arguments).city, "string");
  assert.match(answer.output_text, /31 degrees/);
});

test("a response is parsed by a schema", async () => {
  const input = "The keeper is called Ingrid and lives on the island of Runde.";
  const Keeper = z.object({ name: z.string(), island: z.string() });
  const response = await client.responses.parse({ model, input, text: { format: zodTextFormat(Keeper, "keeper") } });

  assert.deepEqual(Object.keys(response.output_parsed), ["name", "island"]);
});

test("conversations are made, changed, filled and deleted", async () => {
  const items = [{ type: "message", role: "user", content: "My goat is called Heidrun." }];
  const made = await client.conversations.create({ metadata: { topic: "goats" }, items });
  const changed = await client.conversations.update(made.id, { metadata: { topic: "animals" } });
  const answer = await client.responses.create({ model, conversation: made.id, input: "What is my goat called?" });
  const listed = await all(client.conversations.items.list(made.id, { order: "asc" }));
  await client.conversations.items.delete(listed[0].id, { conversation_id: made.id });
  const left = await all(client.conversations.items.list(made.id, { order: "asc" }));
  const deleted = await client.conversations.delete(made.id);

  assert.deepEqual(changed.metadata, { topic: "animals" });
  assert.match(answer.output_text, /Heidrun/);
  assert.deepEqual(listed.map((item) => item.role), ["user", "user", "assistant"]);
  assert.equal(left.length, 2);
  assert.equal(deleted.deleted, true);
});

test("a file is uploaded and named in a turn", async () => {
  const bytes = Buffer.from("The guarantor of the contract is Theodora Vance.");
  const file = await client.files.create({ file: await toFile(bytes, "contract.txt"), purpose: "user_data" });
  const content = [
    { type: "input_file", file_id: file.id },
    { type: "input_text", text: "Who is the guarantor of the contract?" },
  ];
  const answer = await client.responses.create({ model, input: [{ role: "user", content }] });

  assert.match(answer.output_text, /Theodora Vance/);
  assert.deepEqual(Buffer.from(await (await client.files.content(file.id)).arrayBuffer()), bytes);
  assert.equal((await client.files.delete(file.id)).deleted, true);
});

test("embeddings come as numbers", async () => {
  const input = ["a grey harbour", "a treatise on primes"];
  const coded = await client.embeddings.create({ model: "BAAI/bge-base-en-v1.5", input });
  const plain = await client.embeddings.create({ model: "BAAI/bge-base-en-v1.5", input, encoding_format: "float" });

  assert.deepEqual(coded.data.map((row) => row.index), [0, 1]);
  coded.data[1].embedding.forEach((value, at) => assert.ok(Math.abs(value - plain.data[1].embedding[at]) < 1e-6));
});

test("a conversation header stores the turn", async () => {
  const messages = [{ role: "user", content: "My cello is called Ottavia." }];
  const headers = { "X-Conversation-Id": "of-the-node-client" };
  const { response } = await client.chat.completions.create({ model, messages }, { headers }).withResponse();
  const conversation = response.headers.get("x-conversation-id");
  const items = await all(client.conversations.items.list(conversation, { order: "asc" }));

  assert.deepEqual(items.map((item) => item.role), ["user", "assistant"]);
});
