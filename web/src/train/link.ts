/*
 * The link of a train's own page to the monitor: what it says of the train, its pictures, and commands.
 */

import { Carrier, LIMIT_MS, limit, type TrainLinkState } from './carrier';
import { RemoteClock } from './clock';
import type { News, Verb } from './contract';
import { Intake, type Picture } from './intake';
import type { Rung, Transport } from './ladder';

const COMMAND_LIMIT_MS = 1_000;

export interface Answer {
	ok: boolean;
	id: string;
	reason: string; // empty where the monitor did not answer
}

export class TrainLink {
	readonly clock = new RemoteClock();
	private readonly carrier: Carrier;
	private readonly intake: Intake;
	private run = '';
	private ran: Rung | null = null; // by which the last news came
	private told_us = -Infinity; // when the monitor said it
	private wanted = 0; // number of the newest picture that there is
	private fetching = false;

	constructor(
		private readonly train: string, // its name; empty: the only one, or the first
		private readonly onNews: (news: News) => void,
		onPicture: (picture: Picture) => void,
		onState: (state: TrainLinkState) => void,
		onTransport: (transport: Transport) => void,
	) {
		this.intake = new Intake((picture) => (this.carrier.ended ? picture.bitmap.close() : onPicture(picture)));
		const addresses = { ws: this.address('live'), sse: this.address('stream'), mjpeg: this.address('live.mjpeg'), poll: this.address('status') };
		this.carrier = new Carrier(addresses, {
			news: (text, rung) => this.take(text, rung),
			picture: (picture) => this.intake.arrive(picture),
			thanks: ({ number }) => `got ${number}`,
			state: onState,
			transport: onTransport,
		});
	}

	start(): () => void {
		return this.carrier.start();
	}

	unlock(token: string): void {
		this.carrier.unlock(token);
	}

	async command(verb: Verb): Promise<Answer> {
		try {
			const answer = await fetch(this.address(verb), {
				method: 'POST',
				headers: { ...this.carrier.headers(), 'Content-Type': 'application/json' },
				body: '{}',
				keepalive: true, // it goes out even if the page is being left
				signal: limit(COMMAND_LIMIT_MS),
			});
			if (answer.status === 401) this.carrier.lock();
			const said = (await answer.json()) as { id?: string; error?: string };
			return { ok: answer.ok, id: said.id ?? '', reason: said.error ?? '' };
		} catch {
			return { ok: false, id: '', reason: '' };
		}
	}

	private address(what: string, more: Record<string, string> = {}): string {
		const asked = new URLSearchParams({ ...(this.train ? { train: this.train } : {}), ...more }).toString();
		return `./api/train/${what}${asked ? `?${asked}` : ''}`;
	}

	private take(data: string, rung: Rung): void {
		let news: News;
		try {
			news = JSON.parse(data) as News;
		} catch {
			return; // cut short on the way: the next one puts it right
		}
		const isAnew = news.hello !== undefined && news.hello.run !== this.run;
		if (news.now_us < this.told_us && !isAnew) return; // one that was faster had all of it
		this.told_us = news.now_us;
		if (rung !== this.ran) this.clock.begin();
		this.ran = rung;
		this.clock.hear(news.now_us, performance.now());
		if (news.hello && isAnew) {
			this.run = news.hello.run;
			this.intake.restart();
		}
		this.onNews(news);
		if (!news.frame) return;
		this.wanted = news.frame.number;
		void this.fetchPictures();
	}

	/** Those that nothing brings: one at a time, always the newest: a slow way costs pictures, never time. */
	private async fetchPictures(): Promise<void> {
		if (this.fetching) return;
		this.fetching = true;
		while (this.wanted > this.intake.got && this.carrier.fetches) {
			try {
				await this.fetchPicture();
			} catch {
				break; // the next news tries again; meanwhile the old picture goes stale
			}
		}
		this.fetching = false;
	}

	private async fetchPicture(): Promise<void> {
		const { intake, carrier } = this;
		const answer = await fetch(this.address('frame.jpg', { after: String(intake.got) }), {
			headers: carrier.headers(),
			cache: 'no-store',
			signal: limit(LIMIT_MS),
		});
		if (answer.status === 204) intake.got = Math.max(intake.got, this.wanted);
		else await intake.answer(answer);
	}
}
