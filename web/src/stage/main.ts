import { mount } from 'svelte';
import '../look/base.css';
import Stage from './Stage.svelte';

mount(Stage, { target: document.getElementById('app') as HTMLElement });
