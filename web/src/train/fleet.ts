/*
 * The link of the page of all trains: one connection brings the rows, the results and the pictures of all of them. Where pictures are to
 * be asked for, that is done a few at a time, train by train in turn, never two of one train: a browser has six connections to a
 * host, of which a stream takes one and a way that is being tried another.
 */

import { Carrier, LIMIT_MS, limit, type TrainLinkState } from './carrier';
import { RemoteClock } from './clock';
import type { Rows } from './contract';
import { Intake, type Picture } from './intake';
import type { Rung, Transport } from './ladder';

const AT_ONCE = 4;

interface Member {
	place: number;
	train: string;
	intake: Intake;
	wanted: number; // number of the newest picture that there is
	busy: boolean;
}

/** What is next in turn after the one before, of those that `wants`; -1: none. */
export function nextInTurn<T>(all: readonly T[], before: number, wants: (one: T) => boolean): number {
	for (let i = 1; i <= all.length; i++) {
		const at = (before + i) % all.length;
		if (wants(all[at] as T)) return at;
	}
	return -1;
}

export class FleetLink {
	readonly clock = new RemoteClock();
	private readonly carrier: Carrier;
	private members: Member[] = [];
	private run = '';
	private ran: Rung | null = null;
	private told_us = -Infinity;
	private turn = -1; // of `members`, the last one whose picture was asked for

	constructor(
		private readonly onRows: (rows: Rows, anew: boolean) => void,
		private readonly onPicture: (place: number, picture: Picture) => void,
		onState: (state: TrainLinkState) => void,
		onTransport: (transport: Transport) => void,
	) {
		const addresses = {
			ws: './api/trains/live',
			sse: './api/trains/stream?results=1',
			mjpeg: './api/trains/live.mjpeg',
			poll: './api/trains?results=1',
		};
		this.carrier = new Carrier(addresses, {
			news: (text, rung) => this.take(text, rung),
			picture: (picture) => {
				const member = this.members.find(({ place }) => place === picture.place);
				if (member) member.intake.arrive(picture);
				else picture.done(); // its row is on the way
			},
			thanks: ({ place, number }) => `got ${place} ${number}`,
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

	private take(data: string, rung: Rung): void {
		let rows: Rows;
		try {
			rows = JSON.parse(data) as Rows;
		} catch {
			return; // cut short on the way: the next one puts it right
		}
		const anew = rows.run !== this.run;
		if (rows.now_us < this.told_us && !anew) return;
		this.told_us = rows.now_us;
		if (rung !== this.ran) this.clock.begin();
		this.ran = rung;
		this.clock.hear(rows.now_us, performance.now());
		if (anew) {
			this.run = rows.run;
			for (const { intake } of this.members) intake.restart();
			this.members = []; // places mean other trains from now on
		}
		this.onRows(rows, anew);
		for (const { place, train, number } of rows.trains) this.member(place, train).wanted = number ?? 0;
		this.fetchPictures();
	}

	private member(place: number, train: string): Member {
		const known = this.members.find((member) => member.place === place);
		if (known) return known;
		const intake = new Intake((picture) => (this.carrier.ended ? picture.bitmap.close() : this.onPicture(place, picture)));
		const member = { place, train, intake, wanted: 0, busy: false };
		this.members.push(member);
		return member;
	}

	private fetchPictures(): void {
		while (this.carrier.fetches && this.members.filter(({ busy }) => busy).length < AT_ONCE) {
			const at = nextInTurn(this.members, this.turn, ({ busy, wanted, intake }) => !busy && wanted > intake.got);
			const member = this.members[at];
			if (!member) return;
			this.turn = at;
			member.busy = true;
			void this.fetchPicture(member).finally(() => {
				member.busy = false;
				this.fetchPictures();
			});
		}
	}

	private async fetchPicture({ train, intake, wanted }: Member): Promise<void> {
		try {
			const asked = new URLSearchParams({ train, after: String(intake.got) });
			const answer = await fetch(`./api/train/frame.jpg?${asked}`, {
				headers: this.carrier.headers(),
				cache: 'no-store',
				signal: limit(LIMIT_MS),
			});
			if (answer.status === 200) await intake.answer(answer);
		} catch {
			// the next one, then; meanwhile the old picture goes stale
		}
		intake.got = Math.max(intake.got, wanted);
	}
}
