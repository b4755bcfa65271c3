import assert from "node:assert/strict";
import { test } from "node:test";
import { People } from "../client/js/chat/people.js";
import { ThrongError } from "../client/js/throng/throng.js";

/** People in a room whose list the server keeps in the order of code points. */
function room(nicks, { strict = false } = {}) {
  const asked = [];
  const people = new People(async ({ limit, after = "" }) => {
    asked.push(after);
    if (strict && /[^a-z0-9]/.test(after)) throw new ThrongError(400, "no nick");
    const users = nicks.filter((nick) => nick > after);
    return { count: nicks.length, users: users.slice(0, limit) };
  });
  return { people, asked, nicks };
}

const guests = Array.from({ length: 1000 }, (_, i) => `guest${String(i).padStart(4, "0")}`);

test("the list grows by pages to its end", async () => {
  const { people, asked } = room(guests);
  await people.search("");
  assert.equal(people.nicks.length, 100);
  assert.equal(people.count, 1000);
  for (let i = 0; i < 12; i++) await people.grow();
  assert.deepEqual(people.nicks, guests);
  assert.ok(!people.more && asked.length <= 12);
});

test("a search finds those that begin so, the one that is just that included", async () => {
  const { people } = room(["bn", "bo", "bob", "bobby", "bz", ...guests].sort());
  for (const [prefix, want] of [
    ["BO", ["bo", "bob", "bobby"]],
    ["bob", ["bob", "bobby"]],
    ["guest0999", ["guest0999"]],
    ["nemo", []],
  ]) {
    await people.search(prefix);
    assert.deepEqual(people.nicks, want, prefix);
    assert.equal(people.more, false);
  }
  await people.search("guest");
  for (let i = 0; i < 12; i++) await people.grow();
  assert.deepEqual(people.nicks, guests);
});

test("a server that takes only nicks for an after is asked with the prefix itself", async () => {
  const { people } = room(["bo", "bob", "bobby"], { strict: true });
  await people.search("bo");
  assert.deepEqual(people.nicks, ["bob", "bobby"]);
});

test("an answer to an earlier search is not shown", async () => {
  const { people } = room(["ann", "bob"]);
  await Promise.all([people.search("a"), people.search("b")]);
  assert.deepEqual(people.nicks, ["bob"]);
});

test("who comes and goes is woven in where it belongs", async () => {
  const { people } = room(["ann", "carl"]);
  await people.search("");
  people.change({ count: 3, joined: ["Bob", "ann"] });
  assert.deepEqual(people.nicks, ["ann", "Bob", "carl"]);
  people.change({ count: 2, left: ["ANN"] });
  assert.deepEqual([people.nicks, people.count], [["Bob", "carl"], 2]);
  await people.search("b");
  people.change({ count: 3, joined: ["zoe"] });
  assert.ok(!people.nicks.includes("zoe"));
  people.close();
});
