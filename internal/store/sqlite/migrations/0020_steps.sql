-- Steps live in logs.db; both databases count the same numbers.

select 1;
