// Every text of the train's page, in both languages. `French` has the type of `English`: a missing key does not compile.

import type { LanguageCode } from '../format';
import type { Alert, Kafka, Mode, Order, Outcome, Verb } from './contract';
import type { Because, Rung } from './ladder';

type Membership = Kafka['membership'];
type Said<K extends string> = Record<K, string>;

const en = {
	title: 'Train',
	stop: 'STOP',
	stop_hint: 'Space or Escape',
	arm: 'Arm',
	arm_again: 'Press again to arm',
	disarm: 'Disarm',
	verbs: { stop: 'Stop', arm: 'Arm', disarm: 'Disarm' } as Said<Verb>,
	outcomes: {
		sent: 'sent…',
		done: 'done',
		refused: 'refused',
		unanswered: 'NO EFFECT seen in time',
		unsent: 'NOT SENT',
	} as Said<Outcome>,
	no_monitor: 'the monitor does not answer',
	by_hand: 'Stop the train by hand: the hub’s button, or take it off the track.',
	order: 'Order',
	orders: { stop: 'Stop', slow: 'Slow', go: 'Go', none: 'None' } as Said<Order>,
	no_order: 'No order yet',
	old_order: 'nothing new for',
	controller: 'Controller',
	modes: {
		'no-hub': 'No hub',
		disarmed: 'Disarmed',
		waiting: 'Armed, waiting',
		dead: 'Braked: no decisions',
		stopped: 'Stopped',
		slow: 'Slow',
		going: 'Going',
	} as Said<Mode>,
	no_controller: 'No word from the controller',
	armed: 'armed',
	not_armed: 'not armed',
	speed: 'Speed',
	stops_within: 'stops within',
	battery: 'Battery',
	battery_low: 'Battery low',
	radio: 'Radio',
	voltage: 'Voltage',
	hub: 'Hub',
	picture: 'Live picture',
	no_picture: 'Waiting for pictures…',
	stale: 'STALE',
	age: 'age',
	boxes: 'Boxes',
	boxes_hint: 'Show or hide the boxes (B)',
	and_more: (n: number) => `and ${n} more`,
	classes: { SpeedLimit: 'Speed limit', DangerAhead: 'Danger ahead' } as Record<string, string>,
	decides: 'decides',
	hops: 'Latency',
	hop_names: {
		capture: 'camera',
		inference: 'inference',
		decision: 'decision',
		hub: 'hub',
		total: 'total',
	},
	last_minute: 'last minute',
	last_act: 'Last order to the hub:',
	colon: ':',
	services: 'Services',
	service_states: { up: 'there', gone: 'gone', unknown: 'not heard of' },
	broker: 'broker',
	locked: 'This monitor wants a token.',
	token: 'Token',
	unlock: 'Unlock',
	language: 'Language',
	theme: 'Theme',
	trains: 'Trains',
	all_trains: 'All trains',
	no_trains: 'No train was heard of yet.',
	silent: 'silent',
	alerts: { silent: 'silent', pictures: 'old pictures', battery: 'battery low' } as Said<Alert>,
	cloud: 'Cloud',
	group: 'Group',
	memberships: { joining: 'joining the group', rebalancing: 'partitions move', member: 'member' } as Said<Membership>,
	partitions: (ours: number, all: number) => `${ours} of ${all} partitions`,
	lag: 'lag',
	rebalances: 'rebalances',
	late: 'late',
	duplicates: 'doubled',
	catching_up: 'catches up: what comes late is not shown as live',
	by_wall: 'age by wall clocks',
	to_cloud: 'order to here',
	transports: { ws: 'WebSocket', sse: 'SSE', mjpeg: 'Motion JPEG', poll: 'single requests' } as Said<Rung>,
	transport_by: (name: string) => `by ${name}`,
	transport_none: 'no way to the monitor',
	transport_troubles: {
		refused: 'refused on the way',
		silent: 'connected, but nothing comes through',
		cut: 'cut off',
		opening: 'being tried',
	} as Said<Because['trouble']>,
	transport_asked: 'as the address asks',
};

export type TrainWords = { [K in keyof typeof en]: (typeof en)[K] };

const fr: TrainWords = {
	title: 'Train',
	stop: 'STOP',
	stop_hint: 'Espace ou Échap',
	arm: 'Armer',
	arm_again: 'Appuyer encore pour armer',
	disarm: 'Désarmer',
	verbs: { stop: 'Stop', arm: 'Armer', disarm: 'Désarmer' },
	outcomes: {
		sent: 'envoyé…',
		done: 'fait',
		refused: 'refusé',
		unanswered: 'AUCUN EFFET vu à temps',
		unsent: 'NON ENVOYÉ',
	},
	no_monitor: 'le moniteur ne répond pas',
	by_hand: 'Arrêtez le train à la main : bouton du hub, ou soulevez-le des rails.',
	order: 'Ordre',
	orders: { stop: 'Arrêt', slow: 'Ralentir', go: 'Rouler', none: 'Aucun' },
	no_order: 'Pas encore d’ordre',
	old_order: 'rien de nouveau depuis',
	controller: 'Contrôleur',
	modes: {
		'no-hub': 'Pas de hub',
		disarmed: 'Désarmé',
		waiting: 'Armé, en attente',
		dead: 'Freiné : plus de décisions',
		stopped: 'Arrêté',
		slow: 'Lent',
		going: 'En marche',
	},
	no_controller: 'Aucune nouvelle du contrôleur',
	armed: 'armé',
	not_armed: 'non armé',
	speed: 'Vitesse',
	stops_within: 's’arrête en',
	battery: 'Batterie',
	battery_low: 'Batterie faible',
	radio: 'Radio',
	voltage: 'Tension',
	hub: 'Hub',
	picture: 'Image en direct',
	no_picture: 'En attente d’images…',
	stale: 'IMAGE PÉRIMÉE',
	age: 'âge',
	boxes: 'Cadres',
	boxes_hint: 'Montrer ou cacher les cadres (B)',
	and_more: (n) => `et ${n} de plus`,
	classes: { SpeedLimit: 'Limitation de vitesse', DangerAhead: 'Danger' },
	decides: 'décide',
	hops: 'Latence',
	hop_names: {
		capture: 'caméra',
		inference: 'inférence',
		decision: 'décision',
		hub: 'hub',
		total: 'total',
	},
	last_minute: 'dernière minute',
	last_act: 'Dernier ordre au hub :',
	colon: ' :',
	services: 'Services',
	service_states: { up: 'présent', gone: 'parti', unknown: 'jamais entendu' },
	broker: 'broker',
	locked: 'Ce moniteur demande un jeton.',
	token: 'Jeton',
	unlock: 'Ouvrir',
	language: 'Langue',
	theme: 'Thème',
	trains: 'Trains',
	all_trains: 'Tous les trains',
	no_trains: 'Aucun train ne s’est encore fait entendre.',
	silent: 'muet',
	alerts: { silent: 'muet', pictures: 'images anciennes', battery: 'batterie faible' },
	cloud: 'Nuage',
	group: 'Groupe',
	memberships: { joining: 'rejoint le groupe', rebalancing: 'des partitions changent de main', member: 'membre' },
	partitions: (ours, all) => `${ours} partition${ours > 1 ? 's' : ''} sur ${all}`,
	lag: 'retard',
	rebalances: 'rééquilibrages',
	late: 'tardifs',
	duplicates: 'doublons',
	catching_up: 'rattrape : ce qui arrive en retard n’est pas montré comme direct',
	by_wall: 'âge selon les horloges murales',
	to_cloud: 'de l’ordre à ici',
	transports: { ws: 'WebSocket', sse: 'SSE', mjpeg: 'Motion JPEG', poll: 'requêtes isolées' },
	transport_by: (name) => `par ${name}`,
	transport_none: 'aucun chemin vers le moniteur',
	transport_troubles: {
		refused: 'refusé en chemin',
		silent: 'connecté, mais rien ne passe',
		cut: 'coupé',
		opening: 'à l’essai',
	},
	transport_asked: 'comme l’adresse le demande',
};

export const trainWords: Record<LanguageCode, TrainWords> = { en, fr };

export const className = (words: TrainWords, name: string): string => words.classes[name] ?? name;

const order_fr: Record<string, string> = { stop: 'arrêt', slow: 'ralenti' };

/* The services give reasons in English; these are the ones that they know (decision.c, controller.c). */
const reasons: [RegExp, (part: string[]) => string][] = [
	[/^no sign$/, () => 'aucun panneau'],
	[
		/^(\w+), (\d+)x(\d+) pixels, seen in (\d+) of (\d+) pictures$/,
		([, name = '', w, h, seen, of]) => `${className(fr, name)}, ${w}×${h} pixels, vu dans ${seen} image${Number(seen) > 1 ? 's' : ''} sur ${of}`,
	],
	[/^(stop|slow) holds: the sign is in sight$/, ([, o = '']) => `${order_fr[o]} maintenu : le panneau est en vue`],
	[
		/^(stop|slow) holds: clear for (\d+) of (\d+) ms$/,
		([, o = '', a, b]) => `${order_fr[o]} maintenu : voie libre depuis ${a} ms sur ${b}`,
	],
	[/^(stop|slow) holds: (\d+) of (\d+) ms$/, ([, o = '', a, b]) => `${order_fr[o]} maintenu : ${a} ms sur ${b}`],
	[/^(stop|slow) ended after (\d+) ms$/, ([, o = '', a]) => `${order_fr[o]} levé après ${a} ms`],
	[/^picture (\d+) came after picture (\d+)$/, ([, a, b]) => `image ${a} arrivée après l’image ${b}`],
	[/^picture (\d+) was taken before picture (\d+)$/, ([, a, b]) => `image ${a} prise avant l’image ${b}`],
	[/^no fresh decision$/, () => 'plus de décision récente'],
	[/^armed; waits for a decision$/, () => 'armé ; attend une décision'],
	[/^stopped by hand$/, () => 'arrêté à la main'],
	[/^disarmed by hand$/, () => 'désarmé à la main'],
	[/^the hub is ready; motion needs arming$/, () => 'le hub est prêt ; il faut armer pour rouler'],
	[/^the motor is there; motion needs arming$/, () => 'le moteur est là ; il faut armer pour rouler'],
	[/^the hub is lost; the train may be moving$/, () => 'le hub est perdu ; le train roule peut-être'],
	[/^the hub has no train motor on port A$/, () => 'le hub n’a pas de moteur de train sur le port A'],
	[/^the motor draws too much: is it blocked\?$/, () => 'le moteur consomme trop : est-il bloqué ?'],
	[
		/^it came (-?\d+) ms after it was sent, and holds for (\d+) ms$/,
		([, age, limit]) => `arrivé ${age} ms après l’envoi, valable ${limit} ms`,
	],
	[/^the broker is not there: the command was not sent$/, () => 'le broker n’est pas là : la commande n’est pas partie'],
	[/^send the monitor's token/, () => 'il faut le jeton du moniteur'],
	[/^the hub is not there yet$/, () => 'le hub n’est pas encore là'],
	[/^the hub is not ready$/, () => 'le hub n’est pas prêt'],
	[/^the motor was unplugged$/, () => 'le moteur a été débranché'],
	[/^the hub was told to brake and let go$/, () => 'le hub a reçu l’ordre de freiner, puis a été libéré'],
];

export interface Reason {
	text: string;
	lang: LanguageCode;
}

/** In the viewer's language where it is a known one, else as it was given. */
export function reason(text: string, language: LanguageCode): Reason {
	if (language === 'en') {
		const named = text.replace(/^\w+(?=, )/, (name) => className(en, name));
		return { text: named.replace(/(\d)x(\d)/g, '$1×$2'), lang: 'en' };
	}
	for (const [pattern, say] of reasons) {
		const found = pattern.exec(text);
		if (found) return { text: say([...found]), lang: 'fr' };
	}
	return { text, lang: 'en' };
}
