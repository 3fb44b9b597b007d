/*
 * What can carry news and pictures here: a way is opened, says what comes by it, and can be closed. Streams are read with fetch,
 * for an EventSource cannot send a token.
 */

import { PartCutter } from './multipart';
import { readPacket } from './packet';

export interface Arrived {
	place: number; // of its train among those of the monitor
	number: number;
	trace: string;
	at_us: number | null; // of its capture, on the monitor's clock
	blob: Blob;
	/** Called once it needs no more of anybody's time: it is decoded, or passed over for a newer one. */
	done(): void;
}

export interface Told {
	opened(): void;
	heard(): void; // something came
	news(text: string): void;
	picture(picture: Arrived): void;
	thanks(picture: Arrived): string; // said where a way is answered
	locked(): void; // the token is missing, or wrong
	ended(): void; // by whatever, but not by close
}

export interface Way {
	close(): void;
}

const LOCKED = 4401; // docs/monitor.md

/** Cuts a text/event-stream into the data of its events. Comments, and what is cut short, are passed over. */
export class EventCutter {
	private rest = '';

	push(text: string): string[] {
		const parts = (this.rest + text).split('\n\n');
		this.rest = parts.pop() ?? '';
		const found: string[] = [];
		for (const part of parts) {
			const data = part.split('\n').filter((line) => line.startsWith('data:'));
			if (data.length > 0) found.push(data.map((line) => line.slice(5).trimStart()).join('\n'));
		}
		return found;
	}
}

/** News as text, pictures as binary messages; the monitor waits for a word after each, so nothing piles up on the way. */
export function openSocket(address: string, token: string, told: Told): Way {
	const url = new URL(address, location.href);
	url.protocol = url.protocol.replace('http', 'ws');
	let socket: WebSocket;
	try {
		socket = new WebSocket(url);
	} catch {
		queueMicrotask(() => told.ended()); // forbidden here
		return { close: () => undefined };
	}
	const say = (text: string) => socket.readyState === WebSocket.OPEN && socket.send(text);
	socket.binaryType = 'arraybuffer';
	socket.onopen = () => {
		if (token) say(`token ${token}`);
		told.opened();
	};
	socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
		told.heard();
		if (typeof data === 'string') return told.news(data);
		const packet = readPacket(data);
		if (!packet) return;
		const { place, number, trace, at_us, type, picture } = packet;
		const arrived: Arrived = { place, number, trace, at_us, blob: new Blob([picture], { type }), done: () => say(told.thanks(arrived)) };
		told.picture(arrived);
	};
	socket.onclose = ({ code }) => (code === LOCKED ? told.locked() : told.ended());
	return {
		close() {
			socket.onopen = socket.onmessage = socket.onclose = null;
			socket.close();
		},
	};
}

/** An answer without an end; `take` gets its bytes as they come. */
function openStream(address: string, headers: Record<string, string>, told: Told, type: string, take: (bytes: Uint8Array) => void): Way {
	const abort = new AbortController();
	const read = async () => {
		const answer = await fetch(address, { headers, cache: 'no-store', signal: abort.signal });
		if (answer.status === 401) return told.locked();
		if (!answer.ok || !answer.body || !answer.headers.get('Content-Type')?.startsWith(type)) return told.ended();
		told.opened();
		const reader = answer.body.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (abort.signal.aborted) return;
			if (done) return told.ended();
			take(value);
		}
	};
	read().catch(() => {
		if (abort.signal.aborted) return;
		abort.abort();
		told.ended();
	});
	return { close: () => abort.abort() };
}

/** News alone. */
export function openEvents(address: string, headers: Record<string, string>, told: Told): Way {
	const cutter = new EventCutter();
	const decoder = new TextDecoder();
	return openStream(address, headers, told, 'text/event-stream', (bytes) => {
		for (const data of cutter.push(decoder.decode(bytes, { stream: true }))) {
			told.heard();
			told.news(data);
		}
	});
}

/** Pictures alone. */
export function openMotionJpeg(address: string, headers: Record<string, string>, told: Told): Way {
	const cutter = new PartCutter();
	return openStream(address, headers, told, 'multipart/x-mixed-replace', (bytes) => {
		for (const { headers: named, body } of cutter.push(bytes)) {
			told.heard();
			told.picture({
				place: Number(named.get('x-train-place')),
				number: Number(named.get('x-train-picture')),
				trace: named.get('x-train-trace') ?? '',
				at_us: instant(named.get('x-train-at-us')),
				blob: new Blob([body], { type: named.get('content-type') ?? '' }),
				done: () => undefined,
			});
		}
	});
}

/** As the header X-Train-At-Us has it. */
export function instant(text: string | null | undefined): number | null {
	return text && /^-?\d+$/.test(text) ? Number(text) : null;
}
