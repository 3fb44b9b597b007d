// Colour, shape and word for each exercise; one hue a cluster. Shapes and hues repeat after the sixth.

const filled = ['◆', '▲', '●', '■', '★', '⬟'];
const hollow = ['◇', '△', '○', '□', '☆', '⬠'];

export const glyph = (exercise: number, done = true): string =>
	(done ? filled : hollow)[exercise % filled.length] as string;

/** The CSS custom property that holds the hue of a cluster, or of an exercise. */
export const clusterHue = (clusters: readonly string[], cluster: string): string =>
	`--hue-${Math.max(0, clusters.indexOf(cluster)) % 6}`;
export const exerciseHue = (exercise: number): string => `--exercise-${exercise % 6}`;
