// SPDX-License-Identifier: Apache-2.0
// VarveError over gRPC: a canonical status, with google.rpc.Status in the trailer `grpc-status-details-bin`.
//
//   google.rpc.Status { code 1, message 2, repeated google.protobuf.Any details 3 }
//     Any { type_url 1, value 2 }
//       google.rpc.ErrorInfo { reason 1, domain 2, map metadata 3 }
//       varve.v1.ProduceResponse, when a Produce call failed that some partitions had carried out
//
// Whether a reason can be retried is in its metadata as `retriable`, since ErrorInfo has no field for it.

import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { errorDomain, isReason, reasons } from "@varve/format";
import { errorFromFields, VarveError, type VarveReason } from "./errors.ts";
import { decodeProduceResponse, encodeProduceResponse, type ProduceResponse } from "./produce/produce-response.ts";
import { readStringMapEntry, writeStringMap } from "./wire/shared-messages.ts";
import { MalformedMessageError, WireReader } from "./wire/wire-reader.ts";
import { WireWriter } from "./wire/wire-writer.ts";

const trailer = "grpc-status-details-bin";
const errorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
const produceResponseUrl = "type.googleapis.com/varve.v1.ProduceResponse";
/** Headers share 16 KiB or so by common default: a larger answer travels without what it carried out. */
const detailsBytesMax = 8 * 1024;
/** Texts can quote what the peer sent. Trailers beyond 64 KiB never leave the server, and with them the whole connection. */
const messageCharsMax = 1024;
const metadataCharsMax = 256;

/** What a grpc-js server handler answers with. */
export interface StatusFields {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status for an error. Its ProduceResponse goes along when it fits. */
export function statusFromError(error: VarveError): StatusFields {
  const metadata = new Metadata();
  metadata.set(trailer, encodeStatus(error));
  return { code: error.grpcCode, details: clip(error.message, messageCharsMax), metadata };
}

/** The error in a status that a call ended with. Statuses without our details get a reason by their code. */
export function errorFromStatus(failure: ServiceError): VarveError {
  if (failure.metadata !== undefined) {
    for (const value of failure.metadata.get(trailer)) {
      const error = typeof value === "string" ? undefined : decodeStatus(value, failure);
      if (error !== undefined) return error;
    }
  }
  return new VarveError(
    reasonByCode[failure.code] ?? "INTERNAL",
    failure.details === "" ? failure.message : failure.details,
    {
      cause: failure,
    },
  );
}

/** Reasons for statuses that come without our details: from grpc-js itself, a proxy, another server. */
const reasonByCode: Readonly<Partial<Record<status, VarveReason>>> = {
  [status.CANCELLED]: "CANCELLED",
  [status.DEADLINE_EXCEEDED]: "REQUEST_TIMED_OUT",
  [status.UNAVAILABLE]: "UNREACHABLE",
  [status.UNIMPLEMENTED]: "UNSUPPORTED",
  [status.INVALID_ARGUMENT]: "INVALID_REQUEST",
  // grpc-js says so of messages beyond its limit; our own BUSY comes with details.
  [status.RESOURCE_EXHAUSTED]: "MESSAGE_TOO_LARGE",
};

function encodeStatus(error: VarveError): Buffer {
  const response = error.produceResponse === undefined ? undefined : encodeProduceResponse(error.produceResponse);
  const writer = new WireWriter(512);
  writer.uint32Field(0x08, error.grpcCode);
  writer.stringField(0x12, clip(error.message, messageCharsMax));
  writeAny(writer, errorInfoUrl, encodeErrorInfo(error));
  if (response !== undefined && writer.at + response.length < detailsBytesMax) {
    writeAny(writer, produceResponseUrl, response);
  }
  return writer.finish();
}

function encodeErrorInfo(error: VarveError): Buffer {
  const writer = new WireWriter(256);
  writer.stringField(0x0a, error.reason);
  writer.stringField(0x12, errorDomain);
  const metadata = Object.entries(error.metadata).map(([key, value]) => [key, clip(value, metadataCharsMax)] as const);
  writeStringMap(writer, 0x1a, { ...Object.fromEntries(metadata), retriable: String(error.retriable) });
  return writer.finish();
}

function writeAny(writer: WireWriter, url: string, value: Uint8Array): void {
  const start = writer.begin(0x1a);
  writer.stringField(0x0a, url);
  writer.bytesField(0x12, value);
  writer.end(start);
}

/** undefined when the details are not ours or cannot be read: the status itself then has to do. */
function decodeStatus(bytes: Uint8Array, failure: ServiceError): VarveError | undefined {
  try {
    const reader = new WireReader(bytes);
    let message = failure.details;
    let info: { reason: string; metadata: Record<string, string> } | undefined;
    let produceResponse: ProduceResponse | undefined;
    while (!reader.done) {
      const tag = reader.uint32();
      if (tag === 0x12) message = reader.string();
      else if (tag === 0x1a) {
        const [url, value] = readAny(reader.nested());
        if (url === errorInfoUrl) info = readErrorInfo(new WireReader(value)) ?? info;
        else if (url === produceResponseUrl) produceResponse = decodeProduceResponse(value);
      } else reader.skip(tag);
    }
    if (info === undefined) return undefined;
    const { retriable: stated, ...metadata } = info.metadata;
    const retriable =
      stated === undefined ? isReason(info.reason) && reasons[info.reason].retriable : stated === "true";
    return errorFromFields({ reason: info.reason, message, retriable, metadata }, { cause: failure, produceResponse });
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}

function readAny(reader: WireReader): [string, Uint8Array] {
  let url = "";
  let value: Uint8Array = new Uint8Array(0);
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) url = reader.string();
    else if (tag === 0x12) value = reader.view();
    else reader.skip(tag);
  }
  return [url, value];
}

/** undefined for the ErrorInfo of another domain, such as a proxy's. */
function readErrorInfo(reader: WireReader): { reason: string; metadata: Record<string, string> } | undefined {
  let reason = "";
  let domain = "";
  const metadata: [string, string][] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) reason = reader.string();
    else if (tag === 0x12) domain = reader.string();
    else if (tag === 0x1a) readStringMapEntry(reader.nested(), metadata);
    else reader.skip(tag);
  }
  return domain === errorDomain ? { reason, metadata: Object.fromEntries(metadata) } : undefined;
}

function clip(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}
