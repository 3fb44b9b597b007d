// A stand-in for `railquest serve`, for working on the pages without a build of the binary: a made-up race, the same
// answers as docs/api.md says, the same Content-Security-Policy. `node mock/server.mjs [--port 9796] [--speed 60]
// [--players 96] [--from 0] [--mute] [--loop]`; --mute opens streams and says nothing on them, as some security software does.

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const option = (name, fallback) => {
	const i = process.argv.indexOf(`--${name}`);
	return i < 0 ? fallback : Number(process.argv[i + 1]);
};
const speed = option('speed', 60);
const players = option('players', 96);
const from_s = option('from', 0);
const mute = process.argv.includes('--mute');
const loop = process.argv.includes('--loop');
const dist = fileURLToPath(new URL('../dist/', import.meta.url));

const END_S = 9000;
const UNIT_S = 300;
const EXERCISES = [
	{ name: 'hero', title: { en: 'Hero', fr: 'Héros' }, weight: 55, end_s: 3300 },
	{ name: 'villain', title: { en: 'Villain', fr: 'Vilain' }, weight: 25, end_s: 5100 },
	{ name: 'fight', title: { en: 'Fight', fr: 'Combat' }, weight: 29, end_s: 7800 },
];
const CLUSTERS = ['atlantis', 'central', 'gotham', 'madripoor', 'metropolis', 'wakanda'];
const NAMES = 'batman catwoman superman invisiblewoman hesh penance zuko saria cloak echo storm rogue nightcrawler jubilee'
	.concat(' gambit iceman angel beast cyclops phoenix havok polaris banshee sunfire thunderbird warpath colossus')
	.concat(' shadowcat dazzler longshot psylocke forge bishop cable domino deadpool wolverine magneto mystique')
	.split(' ');

// A small generator with a seed, so that a picture can be taken twice.
let seed = 20241008;
function random() {
	seed = (seed * 1664525 + 1013904223) >>> 0;
	return seed / 2 ** 32;
}
const spread = () => (random() + random() + random() - 1.5) / 1.5;

const people = Array.from({ length: players }, (_, i) => {
	const user = NAMES[i] ?? `user${i + 1}`;
	const cluster = CLUSTERS[i % CLUSTERS.length];
	const pace = 1 + spread() * 0.3;
	const times_s = [];
	let t = 0;
	for (const [k, nominal] of [3300, 1800, 2700].entries()) {
		t += nominal * pace * (1 + spread() * 0.35);
		if (random() < 0.06 || (i % 9 === 8 && k > 0)) t = Infinity; // stuck
		times_s.push(Math.round(t));
	}
	return { id: `${user}@${cluster}`, user, cluster, times_s };
});

function score(person, now_s) {
	let sum = 0;
	EXERCISES.forEach((exercise, i) => {
		const t = person.times_s[i];
		if (t <= now_s) sum += exercise.weight + (exercise.end_s - t) / UNIT_S + Math.floor((now_s - t) / UNIT_S) + 1;
	});
	return sum;
}

function ranks(now_s) {
	const rows = people.map((person) => {
		const exercises = person.times_s.map((t) => (t <= now_s ? { at_s: t, low_s: t - (t % 3 ? 0 : 60), high_s: t } : null));
		const { id, user, cluster } = person;
		return { rank: 0, delta: 0, id, user, cluster, score: score(person, now_s), done: exercises.filter(Boolean).length, exercises };
	});
	rows.sort((a, b) => b.score - a.score || b.done - a.done || (a.user < b.user ? -1 : 1));
	rows.forEach((row, i) => (row.rank = i > 0 && rows[i - 1].score === row.score ? rows[i - 1].rank : i + 1));
	return rows;
}

const begun = Date.now();
let run = 1;
function now() {
	const passed_s = from_s + ((Date.now() - begun) / 1000) * speed;
	if (loop) run = 1 + Math.floor(passed_s / (END_S + 600));
	return Math.min(END_S, loop ? passed_s % (END_S + 600) : passed_s);
}

function standings(at_s, live) {
	const rows = ranks(at_s);
	const before = new Map(ranks(at_s - 600).map((row) => [row.id, row.rank]));
	const places = players < 30 ? Math.floor(players / 2) : 30;
	for (const row of rows) {
		row.delta = (before.get(row.id) ?? row.rank) - row.rank;
		row.prize = row.done > 0 && row.rank <= places;
		row.on_line = false;
	}
	return {
		schema: 1, scenario: 'mock', seed: 1, scoring: 'author-2024', state: at_s >= END_S ? 'finished' : 'running', live, run, seq: 0,
		start: 1728036000, now_s: at_s, end_s: END_S, unit_s: UNIT_S, speed, delta_window_s: 600,
		prize_line: places, prize_ties: 'split', lead_changes: 0, players,
		active: rows.filter((row) => row.done > 0).length, clusters: CLUSTERS,
		exercises: EXERCISES.map((exercise, i) => ({ ...exercise, done: rows.filter((row) => row.exercises[i]).length })),
		rows,
	};
}

function curves(count) {
	const end_s = now();
	const times_s = Array.from({ length: count }, (_, i) => (end_s * i) / (count - 1));
	return {
		schema: 1, run, start: 1728036000, now_s: end_s, end_s: END_S, times_s,
		series: ranks(end_s).map(({ id, user, cluster }) => ({
			id, user, cluster, scores: times_s.map((t) => score(people.find((person) => person.id === id), t)),
		})),
		lead_changes: [],
	};
}

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

function page(path, res) {
	const name = { '/': 'index.html', '/stage': 'stage.html' }[path] ?? normalize(path).slice(1);
	const file = join(dist, name);
	if (!file.startsWith(dist) || !existsSync(file)) return res.writeHead(404).end();
	res.setHeader('Content-Type', TYPES[extname(name)] ?? 'application/octet-stream');
	const table = () =>
		`<table><caption>Standings</caption>${ranks(now()).map((row) => `<tr><td>${row.rank}<th>${row.user}<td>${row.score.toFixed(1)}`).join('')}</table>`;
	const body = readFileSync(file);
	res.setHeader('Content-Encoding', 'gzip');
	res.end(gzipSync(name === 'index.html' ? body.toString().replace('<!--board-->', table) : body));
}

function stream(res) {
	res.writeHead(200, { 'Content-Type': 'text/event-stream' });
	res.write(': hello\n\n');
	const say = () => mute || res.write(`event: standings\ndata: ${JSON.stringify(standings(now(), true))}\n\n`);
	say();
	const timer = setInterval(say, 1000);
	res.on('close', () => clearInterval(timer));
}

process.on('SIGTERM', () => process.exit(0));

createServer((req, res) => {
	const url = new URL(req.url, 'http://mock');
	const json = (value) => res.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
	res.setHeader('Content-Security-Policy', "default-src 'self'");
	const at = url.searchParams.get('at');
	if (url.pathname === '/api/quest/stream') stream(res);
	else if (url.pathname === '/api/quest/standings') json(standings(at === null ? now() : Number.parseFloat(at), at === null));
	else if (url.pathname === '/api/quest/curves') json(curves(Number(url.searchParams.get('points') ?? 300)));
	else page(url.pathname, res);
}).listen(option('port', 9796), '127.0.0.1', function listening() {
	console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
