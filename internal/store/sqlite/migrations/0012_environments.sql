-- What is set for the robots and jobs of an environment. One that is not here
-- has nothing set.

create table environments (
  tenant_id text not null,
  name text not null,
  body text not null,
  primary key (tenant_id, name)
) strict, without rowid;
