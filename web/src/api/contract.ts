// The shapes of /api/quest, as docs/api.md says. Every `_s` is seconds from the start of the race, in virtual time.

export interface Exercise {
	name: string;
	title?: { en: string; fr: string }; // either may be empty
	weight: number;
	end_s: number; // nominal end
	done: number; // players who have completed it
}

/** An instant, and the interval that holds the true one. */
export interface Instant {
	at_s: number;
	low_s: number;
	high_s: number;
}

export interface Row {
	rank: number;
	delta: number; // ranks won within the last `delta_window_s`
	id: string;
	user: string;
	cluster: string;
	score: number;
	done: number;
	prize: boolean; // above the line
	on_line: boolean; // shares its last place with others: the rule for ties decides
	exercises: (Instant | null)[];
}

export interface Standings {
	schema: number;
	scenario: string;
	scoring: string;
	scoring_version: number; // 0: none was applied yet
	state: 'running' | 'frozen' | 'finished'; // frozen: until a thaw nothing later is shown
	run: number;
	seq: number;
	start: number; // Unix seconds of second 0
	now_s: number;
	end_s: number;
	unit_s: number;
	speed: number | null; // virtual seconds in a real one; null: as fast as can be
	prize_line: number; // places; 0: no line
	suspense: { contenders: number; until_s?: number } | null; // who may still pass the line, and until when
	lead_changes: number;
	players: number;
	active: number;
	clusters: string[];
	exercises: Exercise[];
	rows: Row[];
}

export interface Curves {
	run: number;
	now_s: number;
	end_s: number;
	times_s: number[];
	series: { id: string; user: string; cluster: string; scores: number[] }[];
}
