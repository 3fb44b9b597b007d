// What railquest-monitor tells a page (docs/monitor.md). A section that is missing has not changed.

export type Order = 'stop' | 'slow' | 'go' | 'none';
export type Verb = 'stop' | 'arm' | 'disarm';
export type Mode = 'no-hub' | 'disarmed' | 'waiting' | 'dead' | 'stopped' | 'slow' | 'going';
export type Outcome = 'sent' | 'done' | 'refused' | 'unanswered' | 'unsent';
/** Left, top, width, height, in pixels of the picture. */
export type Box = [number, number, number, number];

export interface Hello {
	run: string; // of the monitor: pictures are counted from 1 in each
	train: string;
	stale_ms: number;
	form: 'railquest' | 'crazytrain';
	broker: boolean;
	source?: 'mqtt' | 'kafka';
	patience_ms?: number; // with a command's effect
	recorded?: boolean; // there is a past to look at
}

export interface Frame {
	trace: string;
	number: number;
	at_us: number; // on the monitor's clock, as now_us
	clock?: 'arrival' | 'wall' | 'monotonic'; // by which at_us is known
	late?: boolean;
	format: string;
	size: number;
	width?: number;
	height?: number;
	source?: string;
	sequence?: number;
}

export interface Detection {
	class_id: number;
	class_name: string;
	confidence: number;
	box: Box;
}

export interface Result {
	trace: string;
	model: string;
	backend: string;
	took_us: number;
	count: number;
	detections: Detection[];
}

export interface Decision {
	trace: string;
	at_us: number;
	id?: number;
	order: Order;
	reason: string;
	track?: number;
	class_name?: string;
	box?: Box;
}

export interface Telemetry {
	at_us: number;
	mode: Mode;
	reason: string;
	hub?: string;
	armed: boolean;
	percent: number;
	battery_low: boolean;
	battery_percent?: number;
	rssi_dbm?: number;
	volts?: number;
	speed_mps?: number;
	stop_distance_m?: number;
	acted?: { trace: string; order: Order; total_us?: number; at_us?: number };
}

export interface Hops {
	trace: string;
	capture_us?: number;
	inference_us?: number;
	decision_us?: number;
	hub_us?: number;
	total_us?: number;
	cloud_us?: number;
}

/** What a monitor that reads from Kafka knows of the cluster and its place in the group. */
export interface Kafka {
	up: boolean;
	why: string;
	group: string;
	membership: 'joining' | 'rebalancing' | 'member';
	rebalances: number;
	rebalanced_us?: number;
	lost: number;
	paused: boolean;
	skipped: number;
	unreadable: number;
	topics: { topic: string; lag: number; total: number; partitions: { partition: number; lag: number }[] }[];
}

export interface Source {
	late: number;
	late_us?: number;
	duplicates: number;
	kafka: Kafka | null;
}

/** What somebody should look at. */
export type Alert = 'silent' | 'pictures' | 'battery';

/** A train among others. */
export interface Row {
	train: string;
	place: number; // among the trains of this run of the monitor
	heard: boolean; // since the monitor began; else it is known from its recording
	alive: boolean;
	alerts: Alert[];
	number?: number;
	at_us?: number;
	width?: number; // of the picture that boxes refer to
	height?: number;
	order?: Order;
	mode?: Mode;
	armed?: boolean;
	percent?: number;
	battery_low?: boolean;
	battery_percent?: number;
}

export interface Rows {
	now_us: number;
	run: string;
	stale_ms: number;
	broker: boolean;
	trains: Row[]; // those that changed
	results?: { place: number; result: Result }[]; // the newest of each train that has a new one
	kafka?: Kafka | null;
}

export interface Service {
	name: string;
	state: 'up' | 'gone' | 'unknown';
}

export interface Command {
	id: string;
	command: Verb;
	outcome: Outcome;
	took_us: number;
	reason: string;
	given_ms: number; // Unix time
	who: string; // a name of --people, token-holder or this-machine
	from: string; // an address
}

export interface News {
	now_us: number; // the monitor's clock when this was said
	hello?: Hello;
	frame?: Frame;
	result?: Result;
	decision?: Decision;
	telemetry?: Telemetry;
	hops?: Hops;
	services?: Service[];
	commands?: Command[];
	source?: Source;
}
