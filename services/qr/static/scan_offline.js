/* Judging codes without a network, and keeping scans until there is one.
   The order of reasons is the server's (docs/wire.md); its word counts, this is for the door of the bus.
   Kept on the device: seats, serials and what was scanned; no names. */
"use strict";
window.banyanOffline = (() => {
  const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
  const EPOCH_MS = Date.UTC(2020, 0, 1);
  const SIGNED = 36, SIZE = 100, LENGTH = 150;
  const KEEP_MS = 3 * 24 * 3600 * 1000;
  const KEEP_APART_MS = 30 * 24 * 3600 * 1000;
  const MOST_BROUGHT = 500;

  const decodeBase45 = (text) => {
    const bytes = [];
    for (let at = 0; at < text.length; at += 3) {
      const digits = [...text.slice(at, at + 3)].map((character) => ALPHABET.indexOf(character));
      if (digits.length < 2 || digits.includes(-1)) return null;
      const number = digits.reduce((sum, digit, place) => sum + digit * 45 ** place, 0);
      if (number >= 256 ** (digits.length - 1)) return null;
      if (digits.length === 3) bytes.push(number >> 8);
      bytes.push(number & 255);
    }
    return Uint8Array.from(bytes);
  };

  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const uuid = (bytes) => hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

  const readCode = (token) => {
    const bytes = decodeBase45(token.trim().padStart(LENGTH, " "));
    if (!bytes || bytes.length !== SIZE || bytes[0] !== 1) return null;
    const view = new DataView(bytes.buffer);
    const minutes = (bytes[31] << 16) | (bytes[32] << 8) | bytes[33];
    return {
      kid: bytes[1],
      ticketId: uuid(bytes.subarray(2, 18)),
      tripTail: hex(bytes.subarray(18, 26)),
      fromSeq: bytes[28],
      toSeq: bytes[29],
      serial: bytes[30],
      notBefore: EPOCH_MS + minutes * 60000,
      expiresAt: EPOCH_MS + (minutes + view.getUint16(34)) * 60000,
      signed: bytes.slice(0, SIGNED),
      signature: bytes.slice(SIGNED),
    };
  };

  const bytesOf = (base64url) =>
    Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));

  /* true, false, or null where this browser knows no Ed25519. */
  const isSigned = async (code, keys) => {
    let checked = false;
    for (const key of keys.filter((each) => each.kid === code.kid)) {
      try {
        const known = await crypto.subtle.importKey("raw", bytesOf(key.public_key), { name: "Ed25519" }, false, ["verify"]);
        if (await crypto.subtle.verify({ name: "Ed25519" }, known, code.signature, code.signed)) return true;
        checked = true;
      } catch {
        return null;
      }
    }
    return checked ? false : keys.some((each) => each.kid === code.kid) ? null : false;
  };

  const read = (name, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem(name)) ?? otherwise;
    } catch {
      return otherwise;
    }
  };
  const write = (name, value) => localStorage.setItem(name, JSON.stringify(value));
  const listName = (tripId) => `banyan.list.${tripId}`;
  const queueName = (user) => `banyan.scans.${user}`;
  const apartName = (user) => `banyan.refused.${user}`;

  const forgetOldLists = () => {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith("banyan.list.") && Date.now() - (read(name, {}).kept_at ?? 0) > KEEP_MS) localStorage.removeItem(name);
    }
  };

  /* Fetch what this departure needs; answers whether the list on the device is of now. */
  const refresh = async (tripId) => {
    const known = read(listName(tripId), null);
    const answer = await fetch(`/api/trips/${tripId}/offline-list`, {
      cache: "no-store",
      headers: known ? { "If-None-Match": known.etag } : {},
    });
    if (answer.status === 304) return write(listName(tripId), { ...known, kept_at: Date.now() });
    if (!answer.ok) return undefined;
    const list = await answer.json();
    const tickets = Object.fromEntries(
      list.tickets.map((ticket) => [
        ticket.ticket_id,
        {
          seat: ticket.seat,
          from: ticket.from_seq,
          to: ticket.to_seq,
          serial: ticket.serial,
          cancelled: ticket.status !== "confirmed",
          used: ticket.checked_in_at,
        },
      ]),
    );
    return write(listName(tripId), { etag: answer.headers.get("ETag"), kept_at: Date.now(), keys: list.keys, tickets });
  };

  /* A verdict like the server's, of what is on the device; `unchecked` where the signature could not be looked at. */
  const judge = async (token, tripId, stopSeq, user) => {
    const list = read(listName(tripId), null);
    if (!list) return null;
    const code = readCode(token);
    const signed = code ? await isSigned(code, list.keys) : false;
    if (signed === false) return { reason: "bad_signature" };
    const verdict = (reason) => ({ reason, seat: ticket?.seat, checked_in_at: used, unchecked: signed === null });
    const ticket = list.tickets[code.ticketId];
    const mine = scanned(user).find((scan) => readCode(scan.token)?.ticketId === code.ticketId);
    const used = ticket?.used ?? mine?.scanned_at ?? null;
    const here = tripId.replaceAll("-", "").slice(16) === code.tripTail;
    if (!ticket) return verdict(here ? "unknown" : "wrong_trip");
    if (ticket.cancelled) return verdict("cancelled");
    if (code.serial < ticket.serial) return verdict("revoked");
    if (!here) return verdict("wrong_trip");
    if (Date.now() < code.notBefore) return verdict("too_early");
    if (Date.now() >= code.expiresAt) return verdict("expired");
    if (stopSeq !== null && (stopSeq < ticket.from || stopSeq >= ticket.to)) return verdict("wrong_leg");
    return verdict(used ? "already_used" : "ok");
  };

  const queue = (user) => read(queueName(user), []);

  /* Scans that the site will not take, each with what it said of them: somebody may want to look. */
  const apart = (user) => read(apartName(user), []).filter((scan) => Date.now() - scan.apart_at < KEEP_APART_MS);

  /* Who boarded with what was put aside has boarded all the same. */
  const scanned = (user) => [...apart(user), ...queue(user)];

  const keep = (user, scan) => write(queueName(user), [...queue(user), scan]);

  /* What was checked in with a network is used without one, too. */
  const markUsed = (token, tripId) => {
    const list = read(listName(tripId), null);
    const ticket = list?.tickets[readCode(token)?.ticketId];
    if (!ticket) return;
    ticket.used ??= new Date().toISOString();
    write(listName(tripId), list);
  };

  const unqueue = (user, scans) => {
    const gone = new Set(scans.map((scan) => scan.nonce));
    write(queueName(user), queue(user).filter((scan) => !gone.has(scan.nonce)));
  };

  /* Put aside what the errors of a batch name (`scans.3.nonce`); answers whether they named any. */
  const putAside = (user, scans, errors) => {
    const said = new Map();
    for (const [name, messages] of Object.entries(errors)) {
      const place = /^scans\.(\d+)\./.exec(name)?.[1];
      if (scans[place]) said.set(scans[place], (said.get(scans[place]) ?? []).concat(messages));
    }
    const refused = [...said].map(([scan, messages]) => ({ ...scan, messages, apart_at: Date.now() }));
    if (!refused.length) return false;
    const before = apart(user).filter(({ nonce }) => !refused.some((scan) => scan.nonce === nonce)); // by another tab
    write(apartName(user), [...before, ...refused]);
    unqueue(user, refused);
    return true;
  };

  /* Bring what was kept, one batch at a time; answers the counts, or null where there was nothing to bring or nobody
     to bring it to. A batch of which some are put aside has brought nothing yet: without them it may be sent again. */
  let bringing = false;
  const bring = async (user) => {
    const scans = queue(user).slice(0, MOST_BROUGHT);
    if (!scans.length || bringing) return null;
    bringing = true;
    try {
      const answer = await fetch("/api/check-ins/batch", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ scans }),
      });
      if (answer.status === 422) {
        const { errors = {} } = await answer.json();
        return putAside(user, scans, errors) ? { items: [], recorded: 0, duplicates: 0, refused: 0 } : null;
      }
      if (!answer.ok) return null;
      unqueue(user, scans);
      return await answer.json();
    } finally {
      bringing = false;
    }
  };

  const deviceId = () => {
    const known = read("banyan.device", null) ?? `browser-${hex(crypto.getRandomValues(new Uint8Array(6)))}`;
    write("banyan.device", known);
    return known;
  };

  /* How many are expected on board, and how many are, as this device knows. */
  const boarding = (tripId, user) => {
    const list = read(listName(tripId), null);
    if (!list) return null;
    const tickets = Object.entries(list.tickets).filter(([, ticket]) => !ticket.cancelled);
    const mine = new Set(scanned(user).map((scan) => readCode(scan.token)?.ticketId));
    return { expected: tickets.length, boarded: tickets.filter(([id, ticket]) => ticket.used || mine.has(id)).length };
  };

  forgetOldLists();
  return { boarding, refresh, judge, markUsed, queue, apart, keep, bring, deviceId, newNonce: () => hex(crypto.getRandomValues(new Uint8Array(12))) };
})();
