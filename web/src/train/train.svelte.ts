/*
 * The train as the page sees it. Ages are reckoned here, from the picture that is on the page: so it is STALE whether the
 * camera, the broker, the monitor or the way to it is what has stopped.
 */

import { Gallery } from './gallery';
import { History } from './history';
import type { Transport } from './ladder';
import type { TrainLinkState } from './carrier';
import type { Picture } from './intake';
import { TrainLink } from './link';
import type { Command, Decision, Frame, Hello, Hops, News, Outcome, Result, Service, Source, Telemetry, Verb } from './contract';

const TICK_MS = 100;
const PATIENCE_MS = 1_000; // for a command's effect
const ARM_AGAIN_MS = 3_000;
const FRAMES_KEPT = 32;
const WHOLE_MS = 2_000;

export interface Given {
	verb: Verb;
	id: string;
	pressed_ms: number;
	outcome: Outcome;
	took_ms: number;
	reason: string;
	answered: boolean; // by the monitor
}

export class Train {
	hello = $state.raw<Hello | null>(null);
	shown = $state.raw<Picture | null>(null);
	result = $state.raw<Result | null>(null);
	decision = $state.raw<Decision | null>(null);
	telemetry = $state.raw<Telemetry | null>(null);
	hops = $state.raw<Hops | null>(null);
	services = $state.raw<Service[]>([]);
	source = $state.raw<Source | null>(null);
	link = $state<TrainLinkState>('connecting');
	transport = $state.raw<Transport>({ rung: null, because: [], asked: false });
	given = $state.raw<Given | null>(null);
	commands = $state.raw<Command[]>([]); // the last ones that anybody gave to this monitor
	arming = $state(false); // pressed once
	now_ms = $state(performance.now());
	readonly history = new History();

	private frames = new Map<number, Frame>();
	private arming_ms = -Infinity;
	private whole_ms = -Infinity;
	private readonly gallery = new Gallery<Picture, Result>((picture) => picture.bitmap.close());
	private readonly connection = new TrainLink(
		new URLSearchParams(location.search).get('train') ?? '',
		(news) => this.take(news),
		(picture) => {
			this.gallery.picture(picture, performance.now());
			this.look();
		},
		(state) => (this.link = state),
		(transport) => (this.transport = transport),
	);

	/** Returns what ends it. */
	start(): () => void {
		const end = this.connection.start();
		const timer = setInterval(() => this.tick(), TICK_MS);
		return () => {
			clearInterval(timer);
			end();
		};
	}

	unlock(token: string): void {
		this.connection.unlock(token);
	}

	/** In milliseconds; null where there is nothing to be old. */
	get age_ms(): number | null {
		const at_us = this.taken_us;
		return at_us === null ? null : Math.max(0, this.now_ms - this.connection.clock.here_ms(at_us));
	}

	/** When the picture that is shown was taken, on the monitor's clock: it brings that itself, or news told it. */
	get taken_us(): number | null {
		return this.shown?.at_us ?? this.frame?.at_us ?? null;
	}

	get stale(): boolean {
		return this.age_ms !== null && this.age_ms > this.stale_ms;
	}

	get stale_ms(): number {
		return this.hello?.stale_ms ?? 1_000;
	}

	get frame(): Frame | null {
		return (this.shown && this.frames.get(this.shown.number)) ?? null;
	}

	since_ms(at_us: number): number {
		return Math.max(0, this.now_ms - this.connection.clock.here_ms(at_us));
	}

	/** STOP goes out at once and always: stale, locked, without a link. */
	press(verb: Verb): void {
		if (verb === 'arm' && !this.arming) {
			this.arming = true;
			this.arming_ms = performance.now();
			return;
		}
		this.arming = false;
		void this.give(verb);
	}

	private async give(verb: Verb): Promise<void> {
		const pressed_ms = performance.now();
		this.given = { verb, id: '', pressed_ms, outcome: 'sent', took_ms: 0, reason: '', answered: false };
		const answer = await this.connection.command(verb);
		if (this.given.pressed_ms !== pressed_ms) return; // another was given meanwhile
		this.given = {
			...this.given,
			id: answer.id,
			answered: answer.ok || answer.reason !== '',
			reason: answer.reason,
			outcome: answer.ok ? 'sent' : 'unsent',
		};
		this.hear(this.commands);
	}

	private hear(commands: Command[]): void {
		this.commands = commands;
		const { given } = this;
		const command = given?.id ? commands.find(({ id }) => id === given.id) : undefined;
		if (!given || !command || command.outcome === 'sent') return;
		this.given = { ...given, outcome: command.outcome, took_ms: command.took_us / 1000, reason: command.reason };
	}

	private take(news: News): void {
		if (news.hello) {
			if (news.hello.run !== this.hello?.run) this.restart();
			this.hello = news.hello;
		}
		if (news.frame) {
			this.frames.set(news.frame.number, news.frame);
			for (const number of this.frames.keys()) {
				if (this.frames.size <= FRAMES_KEPT) break;
				if (number !== this.shown?.number) this.frames.delete(number);
			}
		}
		if (news.decision) this.decision = news.decision;
		if (news.telemetry) this.telemetry = news.telemetry;
		if (news.source) this.source = news.source;
		if (news.services) this.services = news.services;
		if (news.commands) this.hear(news.commands);
		if (news.hops) {
			const now_ms = performance.now();
			this.history.add(news.hops, now_ms);
			// Only some pictures are followed to the hub: of those the last one is shown, while there are any.
			if (news.hops.total_us !== undefined) this.whole_ms = now_ms;
			if (news.hops.total_us !== undefined || now_ms - this.whole_ms > WHOLE_MS) this.hops = news.hops;
		}
		if (news.result) this.gallery.take(news.result, performance.now());
		this.look();
	}

	/** Numbers of pictures mean others from now on; the one shown goes on growing old by its own. */
	private restart(): void {
		const { frame } = this;
		this.frames.clear();
		if (this.shown) this.shown.number = -1;
		if (frame) this.frames.set(-1, frame);
	}

	private look(): void {
		if (this.shown !== this.gallery.shown) this.now_ms = performance.now(); // its age is told as it is shown
		this.shown = this.gallery.shown;
		this.result = this.gallery.result;
	}

	private tick(): void {
		this.now_ms = performance.now();
		this.gallery.tick(this.now_ms);
		this.look();
		if (this.arming && this.now_ms - this.arming_ms > ARM_AGAIN_MS) this.arming = false;
		if (this.given?.outcome === 'sent' && this.now_ms - this.given.pressed_ms > (this.hello?.patience_ms ?? PATIENCE_MS))
			this.given = { ...this.given, outcome: 'unanswered' };
	}
}
