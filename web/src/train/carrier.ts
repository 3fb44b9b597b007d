/*
 * Carries words and pictures from the monitor to a page, by whatever way works: ladder.ts decides, ways.ts opens, and this keeps
 * open what is to be open, asks by single requests where nothing else runs, and knows whether there is a link at all.
 */

import type { LinkState } from '../api/link';
import { Ladder, STOPGAP_MS, type Rung, type Stream, type Transport } from './ladder';
import { openEvents, openMotionJpeg, openSocket, type Arrived, type Told, type Way } from './ways';

export type TrainLinkState = LinkState | 'locked';

export const POLL_MS = 250;
export const LIMIT_MS = 2_000; // for a single request
const TICK_MS = 100;

/** Where the monitor has it, by each way. */
export interface Addresses {
	ws: string;
	sse: string;
	mjpeg: string;
	poll: string;
}

export interface Hearer {
	/** Words as they came, and by what. */
	news(text: string, rung: Rung): void;
	picture(picture: Arrived): void;
	/** What is said to the monitor when a picture of the WebSocket has come. */
	thanks(picture: Arrived): string;
	state(state: TrainLinkState): void;
	transport(transport: Transport): void;
}

/** ?transport=: the way that the viewer chose; null: whichever works. */
export function askedRung(search: string): Rung | null {
	const asked = new URLSearchParams(search).get('transport');
	return (['ws', 'sse', 'mjpeg', 'poll'] as const).find((rung) => rung === asked) ?? null;
}

/** A signal that aborts after so long (AbortSignal.timeout is younger than some of our browsers). */
export function limit(ms: number): AbortSignal {
	const abort = new AbortController();
	setTimeout(() => abort.abort(), ms);
	return abort.signal;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Carrier {
	ended = false;
	private readonly only = askedRung(location.search);
	private ladder = new Ladder(performance.now(), this.only);
	private readonly ways = new Map<Stream, Way>();
	private locked = false;
	private said: TrainLinkState = 'connecting';
	private transport = '';
	private token = sessionStorage.getItem('railquest.token') ?? '';

	constructor(
		private readonly addresses: Addresses,
		private readonly hearer: Hearer,
	) {}

	/** Returns what ends it. */
	start(): () => void {
		void this.pollOnce(); // the first word, and whether a token is wanted
		void this.poll();
		const timer = setInterval(() => this.tick(), TICK_MS);
		this.tick();
		return () => {
			this.ended = true;
			clearInterval(timer);
			this.openAndClose([]);
		};
	}

	unlock(token: string): void {
		this.token = token.trim();
		sessionStorage.setItem('railquest.token', this.token);
		this.locked = false;
		this.ladder = new Ladder(performance.now(), this.only);
		this.say('connecting');
		void this.pollOnce();
	}

	/** The monitor wants a token, or another one. */
	lock(): void {
		this.locked = true;
		this.openAndClose([]);
		this.say('locked');
	}

	headers(): Record<string, string> {
		return this.token ? { Authorization: `Bearer ${this.token}` } : {};
	}

	/** Does nothing bring pictures, so that they are to be asked for? */
	get fetches(): boolean {
		return !this.ended && !this.locked && (this.ladder.runs === 'sse' || this.ladder.polls(performance.now()));
	}

	// --- whether there is a link, and by what ---

	private say(state: TrainLinkState): void {
		if (state === this.said) return;
		this.said = state;
		this.hearer.state(state);
	}

	private tick(): void {
		if (!this.locked) this.ladder.tick(performance.now());
		this.settle();
	}

	/** Opens and closes what the ladder says, and tells the page. */
	private settle(): void {
		if (this.locked || this.ended) return;
		const now = performance.now();
		this.openAndClose(this.ladder.open);
		const transport = this.ladder.transport(now);
		const text = JSON.stringify(transport);
		if (text !== this.transport) this.hearer.transport(transport);
		this.transport = text;
		if (this.ladder.runs) this.say('live');
		else if (transport.rung === 'poll') this.say('polling');
		else if (this.said !== 'connecting' && this.ladder.quietFor(now) >= STOPGAP_MS) this.say('reconnecting');
	}

	private openAndClose(wanted: Stream[]): void {
		for (const [rung, way] of this.ways)
			if (!wanted.includes(rung)) {
				this.ways.delete(rung);
				way.close();
			}
		for (const rung of wanted) if (!this.ways.has(rung)) this.ways.set(rung, this.openWay(rung));
	}

	private openWay(rung: Stream): Way {
		const { hearer } = this;
		const told: Told = {
			opened: () => this.ladder.opened(rung, performance.now()),
			heard: () => {
				this.ladder.heard(rung, performance.now());
				this.settle();
			},
			news: (text) => this.ended || hearer.news(text, rung),
			picture: (picture) => this.ended || hearer.picture(picture),
			thanks: (picture) => hearer.thanks(picture),
			locked: () => this.lock(),
			ended: () => {
				this.ways.delete(rung);
				this.ladder.ended(rung, performance.now());
				this.settle();
			},
		};
		if (rung === 'ws') return openSocket(this.addresses.ws, this.token, told);
		if (rung === 'sse') return openEvents(this.addresses.sse, this.headers(), told);
		return openMotionJpeg(this.addresses.mjpeg, this.headers(), told);
	}

	// --- single requests ---

	private async poll(): Promise<void> {
		while (!this.ended) {
			await pause(POLL_MS);
			if (!this.locked && (this.ladder.polls(performance.now()) || this.ladder.lacksNews)) await this.pollOnce();
		}
	}

	private async pollOnce(): Promise<void> {
		const { ladder } = this;
		let ok = false;
		try {
			const answer = await fetch(this.addresses.poll, { headers: this.headers(), cache: 'no-store', signal: limit(LIMIT_MS) });
			if (answer.status === 401) return this.lock();
			const text = await answer.text();
			ok = answer.ok;
			if (ok && !this.ended) this.hearer.news(text, ladder.runs ?? 'poll');
		} catch {
			// no answer in time
		}
		ladder.polled(ok, performance.now());
		this.settle();
	}
}
