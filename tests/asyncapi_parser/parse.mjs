// Parses the AsyncAPI document that is named on the command line and prints what the official parser says of it, as JSON.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
const told = {
  accepted: document !== undefined,
  diagnostics: diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join('/') })),
};
if (document) {
  told.version = document.version();
  told.channels = document.channels().all().map((channel) => channel.address());
  told.messages = document.components().messages().all().map((message) => message.name());
  told.operations = document.operations().all().map((operation) => operation.id());
}
process.stdout.write(JSON.stringify(told));
