/*
 * All trains at once: rows as the monitor tells them, and the newest picture of each, fetched as the way allows: a few at a
 * time, never two of one train.
 */

import type { LinkState } from '../api/link';
import type { Kafka, Row, Rows } from './contract';
import { EventCutter, RemoteClock, RETRY_MS, SILENCE_MS } from './link';

const AT_ONCE = 4; // requests for pictures; browsers allow six to a host, and one is the stream
const TICK_MS = 250;

export class Overview {
	rows = $state.raw<Row[]>([]);
	kafka = $state.raw<Kafka | null>(null);
	link = $state<LinkState | 'locked'>('connecting');
	stale_ms = $state(1_000);
	now_ms = $state(performance.now());
	pictures = $state.raw(new Map<string, ImageBitmap>());
	private readonly clock = new RemoteClock();
	private readonly got = new Map<string, number>();
	private readonly busy = new Set<string>();
	private run = '';
	private heard_ms = performance.now();
	private ended = false;
	private abort: AbortController | null = null;
	private token = sessionStorage.getItem('railquest.token') ?? '';

	start(): () => void {
		void this.listen();
		const timer = setInterval(() => this.tick(), TICK_MS);
		return () => {
			this.ended = true;
			clearInterval(timer);
			this.abort?.abort();
		};
	}

	unlock(token: string): void {
		this.token = token.trim();
		sessionStorage.setItem('railquest.token', this.token);
		this.link = 'connecting';
	}

	/** In milliseconds; null where there is no picture. */
	age_ms(row: Row): number | null {
		return row.at_us === undefined ? null : Math.max(0, this.now_ms - this.clock.here_ms(row.at_us));
	}

	private headers(): Record<string, string> {
		return this.token ? { Authorization: `Bearer ${this.token}` } : {};
	}

	private tick(): void {
		this.now_ms = performance.now();
		if (this.now_ms - this.heard_ms < SILENCE_MS) return;
		this.heard_ms = this.now_ms;
		if (this.link === 'live') this.link = 'reconnecting';
		this.abort?.abort();
	}

	private async listen(): Promise<void> {
		while (!this.ended) {
			if (this.link !== 'locked') await this.stream();
			await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
		}
	}

	private async stream(): Promise<void> {
		this.abort = new AbortController();
		this.clock.begin();
		const cutter = new EventCutter();
		try {
			const answer = await fetch('./api/trains/stream', { headers: this.headers(), cache: 'no-store', signal: this.abort.signal });
			if (answer.status === 401) {
				this.link = 'locked';
				return;
			}
			if (!answer.ok || !answer.body) throw new Error(`${answer.status}`);
			const reader = answer.body.getReader();
			const decoder = new TextDecoder();
			for (;;) {
				const { done, value } = await reader.read();
				if (done) break;
				for (const data of cutter.push(decoder.decode(value, { stream: true }))) this.take(JSON.parse(data) as Rows);
			}
		} catch {
			// cut, refused, or aborted by the tick: tried again
		}
		if (this.link === 'live') this.link = 'reconnecting';
	}

	private take(told: Rows): void {
		this.heard_ms = performance.now();
		this.clock.hear(told.now_us, this.heard_ms);
		this.link = 'live';
		if (told.run !== this.run) {
			this.run = told.run;
			this.rows = [];
			this.got.clear(); // a monitor that started anew counts from 1 again
		}
		this.stale_ms = told.stale_ms;
		this.kafka = told.kafka ?? null;
		if (told.trains.length > 0) {
			const rows = new Map(this.rows.map((row) => [row.train, row]));
			for (const row of told.trains) rows.set(row.train, row);
			this.rows = [...rows.values()].sort((a, b) => a.train.localeCompare(b.train));
		}
		this.fetchPictures();
	}

	private fetchPictures(): void {
		for (const { train, number } of this.rows) {
			if (this.busy.size >= AT_ONCE) return;
			if (number === undefined || number <= (this.got.get(train) ?? 0) || this.busy.has(train)) continue;
			this.busy.add(train);
			void this.fetchPicture(train).finally(() => {
				this.busy.delete(train);
				this.fetchPictures();
			});
		}
	}

	private async fetchPicture(train: string): Promise<void> {
		const after = this.got.get(train) ?? 0;
		try {
			const asked = new URLSearchParams({ train, after: String(after) });
			const answer = await fetch(`./api/train/frame.jpg?${asked}`, { headers: this.headers(), cache: 'no-store' });
			if (answer.status !== 200) throw new Error(`${answer.status}`);
			const bitmap = await createImageBitmap(await answer.blob());
			this.got.set(train, Number(answer.headers.get('X-Train-Picture')));
			const pictures = new Map(this.pictures);
			pictures.get(train)?.close();
			this.pictures = pictures.set(train, bitmap);
		} catch {
			this.got.set(train, this.rows.find((row) => row.train === train)?.number ?? after); // the next one, then
		}
	}
}
