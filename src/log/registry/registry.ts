/** Where the Avro schemas of topics' values are kept, by the ids that Confluent-framed values carry. */
export interface SchemaRegistry {
  /**
   * Registers a schema as the newest version of a subject (`<topic>-value`), unless it is one already; its id.
   * @throws TM_SCHEMA_INVALID, TM_SCHEMA_INCOMPATIBLE
   */
  register(subject: string, schemaText: string): Promise<number>;
  /** The id of a subject's newest version. @throws TM_SCHEMA_UNKNOWN when it has none */
  latestId(subject: string): Promise<number>;
  /** The schema's canonical text. @throws TM_SCHEMA_UNKNOWN */
  schemaById(id: number): Promise<string>;
}
