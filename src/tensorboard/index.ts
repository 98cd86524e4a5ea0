export { EventWriter, type ImageSummary } from './event-writer.ts';
export { RunEvents } from './run-events.ts';
