/*
 * All trains at once, as their page sees them: a tile each, with what the monitor tells of the train, its newest picture and the boxes
 * that belong to it. Ages are reckoned here, from the picture that is on the page.
 */

import type { TrainLinkState } from './carrier';
import type { Kafka, Result, Row, Rows } from './contract';
import { FleetLink } from './fleet';
import { Gallery } from './gallery';
import type { Picture } from './intake';
import type { Transport } from './ladder';

const TICK_MS = 100;

export class Tile {
	row = $state.raw<Row>() as Row;
	shown = $state.raw<Picture | null>(null);
	result = $state.raw<Result | null>(null);
	private readonly gallery = new Gallery<Picture, Result>((picture) => picture.bitmap.close());

	constructor(row: Row) {
		this.row = row;
	}

	picture(picture: Picture, now_ms: number): void {
		this.gallery.picture(picture, now_ms);
		this.look();
	}

	take(result: Result, now_ms: number): void {
		this.gallery.take(result, now_ms);
		this.look();
	}

	tick(now_ms: number): void {
		this.gallery.tick(now_ms);
		this.look();
	}

	private look(): void {
		this.shown = this.gallery.shown;
		this.result = this.gallery.result;
	}
}

export class Overview {
	tiles = $state.raw<Tile[]>([]); // by their trains' names
	kafka = $state.raw<Kafka | null>(null);
	link = $state<TrainLinkState>('connecting');
	transport = $state.raw<Transport>({ rung: null, because: [], asked: false });
	stale_ms = $state(1_000);
	now_ms = $state(performance.now());
	private places = new Map<number, Tile>();
	private readonly connection = new FleetLink(
		(rows, anew) => this.take(rows, anew),
		(place, picture) => {
			const tile = this.places.get(place);
			if (tile) tile.picture(picture, performance.now());
			else picture.bitmap.close();
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

	get rows(): Row[] {
		return this.tiles.map(({ row }) => row);
	}

	/** In milliseconds, of the picture on the page; null where there is none. */
	age_ms({ shown, row }: Tile): number | null {
		const at_us = shown ? (shown.at_us ?? row.at_us) : undefined;
		return at_us === undefined ? null : Math.max(0, this.now_ms - this.connection.clock.here_ms(at_us));
	}

	private take(told: Rows, anew: boolean): void {
		const now_ms = performance.now();
		this.stale_ms = told.stale_ms;
		if (told.kafka !== undefined) this.kafka = told.kafka;
		const before = anew ? new Map<number, Tile>() : this.places;
		const isMore = anew || told.trains.some(({ place }) => !before.has(place));
		this.places = before;
		for (const row of told.trains) {
			const tile = before.get(row.place) ?? this.tileOf(row);
			tile.row = row;
			before.set(row.place, tile);
		}
		for (const { place, result } of told.results ?? []) before.get(place)?.take(result, now_ms);
		if (isMore) this.tiles = [...before.values()].sort((a, b) => a.row.train.localeCompare(b.row.train));
	}

	/** Of a monitor that started anew the last picture goes on growing old, until a new one comes. */
	private tileOf(row: Row): Tile {
		return this.tiles.find((tile) => tile.row.train === row.train) ?? new Tile(row);
	}

	private tick(): void {
		this.now_ms = performance.now();
		for (const tile of this.tiles) tile.tick(this.now_ms);
	}
}
