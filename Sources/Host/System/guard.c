#define _GNU_SOURCE
#include "fanfold_guard.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct loan {
   char *start;  /* of the pages */
   size_t bytes; /* of the pages, without the one behind them */
   const char *name;
   int is_over;
};

static struct loan loans[FAN_GUARD_LOANS];
static uint32_t count;
static int32_t out = 1;
static const char *head = "", *tail = "";
static char alternate_stack[64 * 1024];

static struct loan *find(const char *address) {
   uint32_t known = count < FAN_GUARD_LOANS ? count : FAN_GUARD_LOANS;
   size_t page = (size_t)sysconf(_SC_PAGESIZE);
   for (uint32_t i = 0; i < known; i++)
      if (address >= loans[i].start && address < loans[i].start + loans[i].bytes + page) return &loans[i];
   return NULL;
}

static void say(const char *text) { (void)!write(out, text, strlen(text)); }

static void on_fault(int number, siginfo_t *info, void *context) {
   (void)context;
   const char *address = info->si_addr;
   struct loan *loan = find(address);
   if (!loan) { /* not ours: let it end the process as it would have */
      signal(number, SIG_DFL);
      return;
   }
   say(head);
   if (address >= loan->start + loan->bytes) say("it reads or writes past the end of ");
   else if (loan->is_over) say("it still uses, after the loan has ended, ");
   else say("it writes to what it was lent for reading: ");
   say(loan->name);
   say(tail);
   _exit(0);
}

void fan_guard_install(int32_t descriptor, const char *before, const char *after) {
   out = descriptor;
   head = before;
   tail = after;
   stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
   struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
   sigaltstack(&stack, NULL);
   sigemptyset(&action.sa_mask);
   sigaction(SIGSEGV, &action, NULL);
   sigaction(SIGBUS, &action, NULL);
}

void *fan_guard_lend(const char *name, const void *bytes, size_t size) {
   size_t page = (size_t)sysconf(_SC_PAGESIZE);
   size_t whole = size == 0 ? page : (size + page - 1) / page * page;
   char *start = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (start == MAP_FAILED) return NULL;
   mprotect(start + whole, page, PROT_NONE);
   char *lent = start + whole - size;
   if (size > 0 && bytes) memcpy(lent, bytes, size);
   mprotect(start, whole, PROT_READ);
   loans[count++ % FAN_GUARD_LOANS] = (struct loan){start, whole, name, 0};
   return lent;
}

static void protect(void *lent, int protection, int is_over) {
   /* An empty loan lies at the very end of its pages, which is the page behind them. */
   for (uint32_t i = 0; i < count && i < FAN_GUARD_LOANS; i++) {
      struct loan *loan = &loans[i];
      if ((char *)lent < loan->start || (char *)lent > loan->start + loan->bytes) continue;
      loan->is_over = is_over;
      mprotect(loan->start, loan->bytes, protection);
      return;
   }
}

void fan_guard_make_writable(void *lent) { protect(lent, PROT_READ | PROT_WRITE, 0); }

void fan_guard_take_back(void *lent) { protect(lent, PROT_NONE, 1); }
